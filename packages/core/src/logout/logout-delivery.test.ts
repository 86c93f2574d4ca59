import { expect, test } from 'vitest'
import {
  beginLogoutAttempt,
  finishLogout,
  type LogoutDelivery,
  logoutAttemptsAtMost,
  newLogoutDelivery,
  postponeLogout,
} from './logout-delivery.ts'

const told = { clientId: 'app', sessionId: 's', userId: 'u' }
const now = Date.UTC(2026, 10, 2)

function fresh(before?: LogoutDelivery): LogoutDelivery {
  const made = newLogoutDelivery(told, now, before)
  if (made === undefined) throw new Error('none was made')
  return made
}

test('it is due at once, and there is one for each session and client', () => {
  expect(fresh()).toMatchObject({ ...told, attempts: 0, dueAt: now, version: 0 })
  expect(fresh().hash).toBe(fresh().hash)
  expect(newLogoutDelivery({ ...told, clientId: 'else' }, now, undefined)?.hash).not.toBe(fresh().hash)
})

test('one that waits is enough; one that is done makes room for another in its place', () => {
  const waiting = { ...fresh(), version: 3 }
  expect(newLogoutDelivery(told, now, waiting)).toBeUndefined()
  expect(fresh(finishLogout({ ...waiting, attempts: 2 }, now))).toMatchObject({ attempts: 0, dueAt: now, version: 3 })
})

test('attempts are further and further apart, all of them within the life of the row', () => {
  let row = fresh()
  const pauses: number[] = []
  for (let attempt = 0; attempt < logoutAttemptsAtMost; attempt++) {
    const triedAt = row.dueAt ?? 0
    row = beginLogoutAttempt(row, triedAt, 5_000)
    pauses.push((row.dueAt ?? 0) - triedAt)
    expect(row.dueAt).toBeLessThan(row.expiresAt)
  }
  expect(row.attempts).toBe(7)
  expect(pauses.slice(0, -1)).toEqual([...pauses.slice(0, -1)].sort((a, b) => a - b))
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5_000)
})

test('to put it off is no attempt, and what is done is forgotten', () => {
  expect(postponeLogout(fresh(), now + 1)).toEqual({ ...fresh(), dueAt: now + 1 })
  expect(finishLogout(fresh(), now)).toMatchObject({ dueAt: null, expiresAt: now })
})
