import { describe, expect, test } from 'vitest'
import { sampleDevice, sampleRandom, sampleSignIn, sampleTime } from '../sample-rows.ts'
import { endAllSessions, endLogin, endSession, sessionIsOver } from './end-sessions.ts'

const rows = sampleSignIn()
const { session, family, user, issuer, now } = rows
const whole = { now, issuer, session, user, families: [family] }
const until = sampleTime / 1000 + 900 + 120

describe('ending one session', () => {
  test('is one row, one entry in the feed, one audit row, durable', () => {
    expect(endSession(whole, 'ended_by_user', { by: 'user', device: sampleDevice })).toEqual({
      writes: [{ table: 'session', row: { ...session, endedAt: now, endReason: 'ended_by_user' } }],
      entries: [{ kind: 'session', id: session.id, until }],
      audit: [
        {
          event: 'session.ended',
          time: now,
          userId: user.id,
          sessionId: session.id,
          facts: { reason: 'ended_by_user', by: 'user' },
          personal: { ip: sampleDevice.ip, device: sampleDevice.label },
        },
      ],
      durable: true,
      time: now,
    })
  })

  test('a second time is nothing', () => {
    expect(endSession({ ...whole, session: { ...session, endedAt: now } }, 'signed_out')).toBeUndefined()
  })

  test('is remembered by the feed until the longest token ever configured is past, and a margin', () => {
    const long = { ...whole, issuer: { ...issuer, longestAccessTokenSeconds: 86_400 } }
    expect(endSession(long, 'signed_out')?.entries).toMatchObject([{ until: sampleTime / 1000 + 86_400 + 120 }])
  })
})

describe('ending a login', () => {
  test('ends session and family where the two are one', () => {
    const change = endLogin(rows, 'signed_out')
    expect(change?.writes.map(write => write.table)).toEqual(['family', 'session'])
    expect(change?.entries.map(entry => entry.kind)).toEqual(['family', 'session'])
    expect(change?.audit).toMatchObject([{ event: 'session.ended', familyId: family.id }])
  })

  test('of one client in a shared session leaves the others signed in, unless the whole session is meant', () => {
    const shared = { ...rows, session: { ...session, clientId: null } }
    const one = endLogin(shared, 'signed_out')
    expect(one?.writes.map(write => write.table)).toEqual(['family'])
    expect(one?.entries.map(entry => entry.kind)).toEqual(['family'])
    expect(one?.audit).toMatchObject([{ event: 'family.ended' }])
    expect(endLogin(shared, 'signed_out', { wholeSession: true })?.writes.map(write => write.table)).toEqual([
      'family',
      'session',
    ])
  })

  test('that has ended already is nothing', () => {
    expect(endLogin({ ...rows, family: { ...family, endedAt: now } }, 'signed_out')).toBeUndefined()
    expect(endLogin({ ...rows, session: { ...session, endedAt: now } }, 'signed_out')).toBeUndefined()
  })
})

describe('ending all sessions of a user', () => {
  test('raises one epoch, however many sessions there are', () => {
    const change = endAllSessions({ now, issuer, user }, 'ended_by_user')
    expect(change.writes).toEqual([{ table: 'user', row: { ...user, epoch: 2 } }])
    expect(change.entries).toEqual([{ kind: 'user', id: user.id, below: 2, at: sampleTime / 1000, until }])
    expect(change.audit).toMatchObject([{ event: 'sessions.ended', facts: { reason: 'ended_by_user', kept: 0 } }])
    expect(change.durable).toBe(true)
    expect(sessionIsOver(session, { now, issuer, user: { ...user, epoch: 2 } })).toBe('authorization_revoked')
  })

  test('but one keeps that one: it is stamped with the new epoch in the same commit', () => {
    const change = endAllSessions({ now, issuer, user }, 'ended_by_user', { keep: whole })
    expect(change.writes.slice(1)).toEqual([
      { table: 'session', row: { ...session, epochs: { all: 1, user: 2 } } },
      { table: 'family', row: { ...family, epochs: { all: 1, user: 2, client: 1 } } },
    ])
    expect(change.audit).toMatchObject([{ sessionId: session.id, facts: { kept: 1 } }])
  })

  test('does not bring an ended family of the kept session back', () => {
    const ended = { ...sampleSignIn({ random: sampleRandom('other') }).family, endedAt: now }
    const change = endAllSessions({ now, issuer, user }, 'ended_by_user', {
      keep: { ...whole, families: [family, ended] },
    })
    expect(change.writes).toHaveLength(3)
    expect(change.writes).not.toContainEqual(
      expect.objectContaining({ row: expect.objectContaining({ id: ended.id }) }),
    )
  })

  test('CVE-2026-22706: with a new password, that is one commit and says what happened', () => {
    const change = endAllSessions({ now, issuer, user }, 'password_changed', {
      user: { passwordHash: 'new' },
      event: 'user.password_changed',
      keep: whole,
    })
    expect(change.writes[0]).toMatchObject({
      table: 'user',
      row: { epoch: 2, passwordHash: 'new', version: user.version },
    })
    expect(change.audit).toMatchObject([{ event: 'user.password_changed' }])
  })

  test('nobody sets the epoch by the way', () => {
    const change = endAllSessions({ now, issuer, user }, 'ended_by_user', { user: { epoch: 1 } })
    expect(change.writes[0]).toMatchObject({ row: { epoch: 2 } })
  })
})

describe('a session is over', () => {
  const rowsNow = { now, issuer, user }

  test('when it ended, its user is disabled or deleted, the epoch was raised, or its time is up; else not', () => {
    expect(sessionIsOver(session, rowsNow)).toBeUndefined()
    expect(sessionIsOver({ ...session, endedAt: now }, rowsNow)).toBe('session_ended')
    expect(sessionIsOver(session, { ...rowsNow, user: { ...user, disabledAt: now } })).toBe('user_disabled')
    expect(sessionIsOver(session, { ...rowsNow, user: { ...user, deletedAt: now } })).toBe('user_disabled')
    expect(sessionIsOver(session, { ...rowsNow, user: { ...user, epoch: 2 } })).toBe('authorization_revoked')
    expect(sessionIsOver(session, { ...rowsNow, now: session.absoluteEndAt - 1 })).toBeUndefined()
    expect(sessionIsOver(session, { ...rowsNow, now: session.absoluteEndAt })).toBe('session_expired')
  })

  test('GHSA-2vg6-77g8-24mp: a disabled user is called disabled, also when the epoch was raised with it', () => {
    const disabled = { ...user, epoch: 2, disabledAt: now }
    expect(sessionIsOver(session, { ...rowsNow, user: disabled })).toBe('user_disabled')
  })

  test('the epoch of everything does not end it', () => {
    expect(sessionIsOver(session, { ...rowsNow, issuer: { ...issuer, epoch: 2_000_000_000 } })).toBeUndefined()
  })
})
