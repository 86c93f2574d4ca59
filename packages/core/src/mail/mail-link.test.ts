import { expect, test } from 'vitest'
import { sampleTime as now, sampleUser } from '../sample-rows.ts'
import { addressHash, judgeMailLink, newMailLink } from './mail-link.ts'

test('CVE-2026-134315, CVE-2026-115770: a link for one address of one user is good for no other, also if they have changed it meanwhile', () => {
  const user = sampleUser()
  const of = {
    hash: 'h',
    purpose: 'verify_address',
    addressHash: addressHash('maria@example.com'),
    sessionId: null,
  } as const
  const link = newMailLink({ ...of, user, now }, undefined)
  expect(judgeMailLink(link, 'verify_address', { now, user })).toBe(user)
  const others = [
    sampleUser({ email: 'maria@example.org' }),
    sampleUser({ email: null }),
    sampleUser({ id: 'AZxSample-User--000002' }),
    undefined,
  ]
  for (const other of others) {
    expect(judgeMailLink(link, 'verify_address', { now, user: other })).toMatchObject({ reason: 'mail_link_invalid' })
  }
  expect(judgeMailLink(link, 'reset_password', { now, user })).toMatchObject({ reason: 'mail_link_invalid' })
})
