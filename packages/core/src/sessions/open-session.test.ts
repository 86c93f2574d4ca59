import { describe, expect, test } from 'vitest'
import { isId } from '../ids.ts'
import {
  sampleClient,
  sampleDevice,
  sampleIssuer,
  sampleRandom,
  sampleSignIn,
  sampleTime,
  sampleUser,
} from '../sample-rows.ts'
import {
  browserSessionSeconds,
  openBrowserSession,
  openFamily,
  openLogin,
  renewBrowserSession,
} from './open-session.ts'

const snapshot = { now: sampleTime, issuer: sampleIssuer({ epoch: 5 }) }
const user = sampleUser({ epoch: 3 })
const client = sampleClient({ epoch: 4 })
const login = { snapshot, user, client, device: sampleDevice, amr: ['pwd', 'otp'], scope: 'account', jkt: undefined }

describe('a direct login', () => {
  test('opens a session with one family, durably, with one audit row and no entry in the feed', () => {
    const { session, family, change } = openLogin({ ...login, random: sampleRandom() })
    expect(change).toMatchObject({ durable: true, entries: [], time: sampleTime })
    expect(change.writes).toEqual([
      { table: 'session', row: session },
      { table: 'family', row: family },
    ])
    expect(change.audit).toEqual([
      {
        event: 'session.created',
        time: sampleTime,
        userId: user.id,
        clientId: client.id,
        sessionId: session.id,
        facts: { amr: 'pwd otp' },
        personal: { ip: sampleDevice.ip, device: sampleDevice.label },
      },
    ])
    expect(session).toMatchObject({ clientId: 'demo', cookieSalt: null, authenticatedAt: sampleTime, version: 0 })
    expect(family).toMatchObject({ sessionId: session.id, generation: 0, rotatedAt: sampleTime, jkt: null, version: 0 })
    expect([isId(session.id), isId(family.id), family.salt.length]).toEqual([true, true, 16])
  })

  test('is authorised under the epochs of this moment', () => {
    const { session, family } = openLogin({ ...login, random: sampleRandom() })
    expect(session.epochs).toEqual({ all: 5, user: 3 })
    expect(family.epochs).toEqual({ all: 5, user: 3, client: 4 })
  })

  test('ends absolutely when its client says so', () => {
    const bank = { ...client, lifetimes: { ...client.lifetimes, absoluteSeconds: 600 } }
    const { session, family } = openLogin({ ...login, client: bank, random: sampleRandom() })
    expect([session.absoluteEndAt, family.absoluteEndAt]).toEqual([sampleTime + 600_000, sampleTime + 600_000])
  })

  test('CVE-2022-25896: every login has a new session, family and salt', () => {
    const random = sampleRandom()
    const logins = Array.from({ length: 20 }, () => openLogin({ ...login, random }))
    for (const pick of [
      ({ session }: (typeof logins)[0]) => session.id,
      ({ family }: (typeof logins)[0]) => family.id,
      ({ family }: (typeof logins)[0]) => family.salt.toString('hex'),
    ]) {
      expect(new Set(logins.map(pick)).size).toBe(20)
    }
  })

  test('in the same install ends the earlier one in the same commit', () => {
    const superseded = sampleSignIn({ random: sampleRandom('earlier') })
    const { session, family, change } = openLogin({ ...login, superseded, random: sampleRandom() })
    expect(change.writes).toMatchObject([
      { table: 'family', row: { id: superseded.family.id, endReason: 'superseded', version: 1 } },
      { table: 'session', row: { id: superseded.session.id, endReason: 'superseded', version: 1 } },
      { table: 'session', row: { id: session.id, version: 0 } },
      { table: 'family', row: { id: family.id, version: 0 } },
    ])
    expect(change.entries.map(entry => entry.kind)).toEqual(['family', 'session'])
    expect(change.audit.map(record => record.event)).toEqual(['session.ended', 'session.created'])
  })

  test('does nothing to an earlier one that has ended already', () => {
    const earlier = sampleSignIn({ random: sampleRandom('earlier') })
    const superseded = { ...earlier, session: { ...earlier.session, endedAt: sampleTime } }
    expect(openLogin({ ...login, superseded, random: sampleRandom() }).change.writes).toHaveLength(2)
  })
})

describe('a login on the hosted pages', () => {
  test('opens a session with a cookie, which belongs to no client', () => {
    const { session, change } = openBrowserSession({ ...login, random: sampleRandom() })
    expect(session).toMatchObject({ clientId: null, absoluteEndAt: sampleTime + browserSessionSeconds * 1000 })
    expect(session.cookieSalt).toHaveLength(16)
    expect(change).toMatchObject({
      durable: true,
      writes: [{ table: 'session' }],
      audit: [{ event: 'session.created' }],
    })
    expect(change.audit[0]?.clientId).toBeUndefined()
  })

  test('a client that joins it gets a family that does not outlive it', () => {
    const { session } = openBrowserSession({ ...login, random: sampleRandom() })
    const short = { ...session, absoluteEndAt: sampleTime + 5_000 }
    const { family, audit } = openFamily({ ...login, session: short, random: sampleRandom() })
    expect(family).toMatchObject({ sessionId: session.id, absoluteEndAt: sampleTime + 5_000 })
    expect(audit).toMatchObject([{ event: 'family.created', familyId: family.id, clientId: 'demo' }])
  })
})

describe('signing in again in the same browser', () => {
  const earlier = openBrowserSession({ ...login, random: sampleRandom() }).session
  const later = sampleTime + 86_400_000
  const device = { label: 'Chrome on Windows', ip: '198.51.100.9' }
  const rows = { ...snapshot, now: later, user: { ...user, epoch: 4 }, session: { ...earlier, version: 4 } }
  const { session, change } = renewBrowserSession(rows, { device, amr: ['pwd', 'otp'], random: sampleRandom('again') })

  test('keeps the session, so that its applications go on, under a new secret of the cookie (CVE-2022-25896)', () => {
    expect(session).toMatchObject({ id: earlier.id, createdAt: earlier.createdAt, version: 4 })
    expect(session.cookieSalt).not.toEqual(earlier.cookieSalt)
    expect(session.cookieSalt).toHaveLength(16)
  })

  test('is told by the session: when, how, where; it lasts as long as a new one, under the epochs of now', () => {
    expect(session).toMatchObject({ authenticatedAt: later, amr: ['pwd', 'otp'], device, epochs: { user: 4 } })
    expect(session.absoluteEndAt).toBe(later + browserSessionSeconds * 1000)
  })

  test('is audited, and durable', () => {
    expect(change.audit).toMatchObject([{ event: 'session.reauthenticated', sessionId: session.id }])
    expect([change.durable, change.writes]).toEqual([true, [{ table: 'session', row: session }]])
  })
})
