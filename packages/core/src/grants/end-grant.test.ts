import { expect, test } from 'vitest'
import { sampleClient, sampleDevice, sampleGrant, sampleIssuer, sampleSignIn, sampleTime } from '../sample-rows.ts'
import { renewGrant, withdrawGrant } from './end-grant.ts'

const now = sampleTime + 5_000
const snapshot = { now, issuer: sampleIssuer() }
const grant = sampleGrant({ epoch: 2 })
const own = sampleSignIn()
const browser = { ...own.session, id: 'AZxSample-Browser-0001', clientId: null }
const shared = { ...own.family, id: 'AZxSample-Family--0001', sessionId: browser.id }
const others = { ...shared, id: 'AZxSample-Family--0002', clientId: 'other' }
const gone = { ...shared, id: 'AZxSample-Family--0003', endedAt: sampleTime }
const logins = [
  { session: own.session, families: [own.family] },
  { session: browser, families: [shared, others, gone] },
]
const user = own.user
const actor = { device: sampleDevice, by: 'user' as const }

test('withdrawing raises the epoch, ends what lives under it and the sessions of its own, and spares the rest', () => {
  const change = withdrawGrant({ snapshot, client: sampleClient(), user, grant, logins, actor })
  const ended = { endedAt: now, endReason: 'grant_withdrawn' }
  expect(change.writes).toEqual([
    { table: 'grant', row: { ...grant, epoch: 3, withdrawnAt: now } },
    { table: 'family', row: { ...own.family, ...ended }, endsOnly: true },
    { table: 'session', row: { ...own.session, ...ended } },
    { table: 'family', row: { ...shared, ...ended }, endsOnly: true },
  ])
  expect(change.durable).toBe(true)
  expect(change.entries).toMatchObject([{ kind: 'grant', id: `${grant.userId} demo`, below: 3 }])
  expect(change.audit).toMatchObject([
    { event: 'grant.withdrawn', facts: { logins: 2, by: 'user' } },
    { event: 'session.ended', sessionId: own.session.id },
    { event: 'family.ended', familyId: shared.id },
  ])
})

test.each(['pairwise', 'connection'] as const)(
  'where sub is %s the logins die by name, and the feed does not say whose they are',
  subjectType => {
    const change = withdrawGrant({ snapshot, client: sampleClient({ subjectType }), user, grant, logins })
    expect(change.entries.map(({ kind, id }) => [kind, id])).toEqual([
      ['family', own.family.id],
      ['session', own.session.id],
      ['family', shared.id],
    ])
    expect(JSON.stringify(change.entries)).not.toContain(grant.userId)
    // None is born beside it.
    expect(change.writes).toContainEqual({ table: 'user', row: user })
  },
)

test('renewing does the same, and the grant stands', () => {
  const { grant: renewed, change } = renewGrant({ snapshot, client: sampleClient(), grant, logins })
  expect(renewed).toEqual({ ...grant, epoch: 3 })
  expect(change.writes).toHaveLength(4)
  expect(change.writes[1]).toMatchObject({ row: { endReason: 'superseded' } })
  expect(change.audit[0]).toMatchObject({ event: 'grant.renewed', facts: { logins: 2 } })
})
