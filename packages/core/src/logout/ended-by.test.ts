import { expect, test } from 'vitest'
import { sampleSignIn, sampleTime } from '../sample-rows.ts'
import { endAllSessions, endLogin, endSession } from '../sessions/end-sessions.ts'
import type { Family } from '../sessions/session.ts'
import { clientsOutlived, clientsToTell, endedBy } from './ended-by.ts'

const { session, family, user, ...rows } = sampleSignIn()
const hosted = { ...session, clientId: null }
const families: readonly Family[] = [family, { ...family, id: 'other', clientId: 'other' }]
const over = { endedAt: sampleTime, endReason: 'ended_by_user' } as const

test('each end of a session says in its audit record what it ended', () => {
  const one = endSession({ ...rows, session, user }, 'signed_out')
  const login = endLogin({ ...rows, session, family }, 'refresh_token_reused')
  const all = endAllSessions({ ...rows, user }, 'password_changed', { event: 'user.password_changed' })
  for (const change of [one, login]) expect(change?.audit.map(endedBy)).toEqual([{ sessionId: session.id }])
  expect(all.audit.map(endedBy)).toEqual([{ userId: user.id, epoch: user.epoch }])
})

test('the end of one login of several, and whatever ends nothing, is no end of a session', () => {
  const login = endLogin({ ...rows, session: hosted, family }, 'signed_out')
  expect(login?.audit.map(endedBy)).toEqual([undefined])
  for (const event of ['session.created', 'token.revoked', 'user.enabled'] as const) {
    expect(endedBy({ event, time: sampleTime, userId: user.id, sessionId: session.id })).toBeUndefined()
  }
})

test('of a session that ended each client is told that had a login in it to the end', () => {
  const ended = { ...hosted, ...over }
  expect(clientsToTell(ended, [...families, { ...family, id: 'second' }])).toEqual(['demo', 'other'])
  expect(clientsToTell(ended, [{ ...family, endedAt: sampleTime - 1, endReason: 'superseded' }])).toEqual([])
  expect(clientsToTell(ended, [{ ...family, endedAt: sampleTime, endReason: 'signed_out' }])).toEqual([])
  expect(clientsToTell(ended, [{ ...family, endedAt: sampleTime, endReason: 'refresh_token_reused' }])).toEqual([
    'demo',
  ])
})

test('of a session that lives on those are told who have lost their last login to reuse', () => {
  const reused = { ...family, endedAt: sampleTime, endReason: 'refresh_token_reused' } as const
  expect(clientsToTell(hosted, [reused, ...families.slice(1)])).toEqual(['demo'])
  expect(clientsToTell(hosted, [reused, { ...family, id: 'another' }])).toEqual([])
  expect(clientsToTell(hosted, families)).toEqual([])
})

test('of a session that an epoch has outlived each client is told that had a login in it', () => {
  expect(clientsOutlived([...families, { ...family, id: 'gone', clientId: 'gone', ...over }])).toEqual([
    'demo',
    'other',
  ])
})

test.each(['ended_by_user', 'grant_withdrawn'] as const)(
  'a client whose login the user ends alone is told: %s',
  reason => {
    const login = endLogin({ ...rows, session: hosted, family }, reason)
    expect(login?.audit.map(endedBy)).toEqual([{ sessionId: hosted.id }])
    const ended = { ...family, endedAt: sampleTime, endReason: reason }
    expect(clientsToTell(hosted, [ended, ...families.slice(1)])).toEqual([family.clientId])
    expect(clientsToTell(hosted, [ended, { ...family, id: 'again' }])).toEqual([])
  },
)
