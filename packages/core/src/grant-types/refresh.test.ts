import { describe, expect, test } from 'vitest'
import { answered, sampleLogin } from '../sample-login.ts'
import { sampleClient, sampleIssuer } from '../sample-rows.ts'
import { endAllSessions, endSession } from '../sessions/end-sessions.ts'
import type { EndReason } from '../sessions/session.ts'

const day = 86_400
const hour = 3_600

describe('row 1: a token that we did not make', () => {
  test('with a right tag and a wrong MAC is refused and never touches the family', () => {
    for (const generation of [0, 3, 4, 5, 4_000_000_000]) {
      const login = sampleLogin()
      login.rows = { ...login.rows, family: { ...login.rows.family, generation: 4 } }
      const before = login.rows
      const decision = login.present(generation, { salt: Buffer.alloc(16, 9) })
      expect([decision.row, answered(decision), decision.change]).toEqual([1, 'refresh_token_invalid', undefined])
      expect(login.rows).toBe(before)
    }
  })

  test('comes before everything else: wrong client, wrong key and an ended family make no difference', () => {
    const login = sampleLogin({ bound: true })
    login.rows = { ...login.rows, family: { ...login.rows.family, endedAt: login.rows.now, endReason: 'signed_out' } }
    const guess = { salt: Buffer.alloc(16, 9), client: sampleClient({ id: 'other' }), jkt: null }
    expect(login.present(0, guess).row).toBe(1)
    expect(login.audit).toEqual([])
  })
})

describe('row 2: a real token in the wrong hands', () => {
  test.each([
    ['another client', { client: sampleClient({ id: 'other' }) }, 'client_mismatch'],
    ['no proof of the key', { jkt: null }, 'proof_required'],
    ["a proof with the thief's own key", { jkt: 'another-thumbprint' }, 'proof_key_mismatch'],
  ])('%s: refused, audited, and the family lives', (_who, by, reason) => {
    const login = sampleLogin({ bound: true })
    const decision = login.present(0, by)
    expect([decision.row, answered(decision)]).toEqual([2, reason])
    expect(login.audit).toMatchObject([{ event: 'refresh.leaked', facts: { reason } }])
    expect(decision.change?.entries).toEqual([])
    expect(login.rows.family.endedAt).toBeNull()
    expect(login.present(0).row).toBe(5)
  })

  test('a spent token with the wrong client ends nothing: reuse is for its own client alone', () => {
    const login = sampleLogin()
    for (let n = 0; n < 5; n++) {
      login.later(hour)
      login.present(n)
    }
    for (const generation of [0, 1, 4, 5, 6]) {
      expect(login.present(generation, { client: sampleClient({ id: 'other' }) }).row).toBe(2)
    }
    expect(login.rows.family).toMatchObject({ endedAt: null, generation: 5 })
  })

  test('a spent token of a bound family without its key ends nothing', () => {
    const login = sampleLogin({ bound: true, refresh: { flaggedReplayEndsFamily: true } })
    for (let n = 0; n < 5; n++) login.present(n)
    for (const generation of [0, 4, 5, 6]) expect(login.present(generation, { jkt: null }).row).toBe(2)
    expect(login.rows.family).toMatchObject({ endedAt: null, generation: 5 })
  })

  test('is audited at most once an hour, however often the thief tries', () => {
    const login = sampleLogin({ bound: true })
    for (let minute = 0; minute < 60; minute++) {
      login.present(0, { jkt: null })
      login.later(60)
    }
    expect(login.audit).toHaveLength(1)
    login.present(0, { jkt: null })
    expect(login.audit).toHaveLength(2)
  })

  test('says nothing of an ended family to a wrong client', () => {
    const login = sampleLogin()
    login.rows = { ...login.rows, family: { ...login.rows.family, endedAt: login.rows.now, endReason: 'signed_out' } }
    expect(answered(login.present(0, { client: sampleClient({ id: 'other' }) }))).toBe('client_mismatch')
  })

  test('a proof that nobody asked for does no harm: the family stays unbound', () => {
    const login = sampleLogin()
    login.later(hour)
    expect(login.present(0, { jkt: 'some-thumbprint' }).row).toBe(5)
    expect(login.rows.family.jkt).toBeNull()
  })
})

describe('row 3: what the login was authorised under does not stand any more', () => {
  type Rows = ReturnType<typeof sampleLogin>['rows']
  const ended = (rows: Rows, endReason: EndReason) => ({ endedAt: rows.now, endReason })
  const cases: [what: string, reason: string, after: (rows: Rows) => Rows][] = [
    [
      'the family ended',
      'session_ended',
      rows => ({ ...rows, family: { ...rows.family, ...ended(rows, 'signed_out') } }),
    ],
    [
      'the session ended',
      'session_ended',
      rows => ({ ...rows, session: { ...rows.session, ...ended(rows, 'ended_by_user') } }),
    ],
    [
      'it ended by reuse',
      'refresh_token_reused',
      rows => ({ ...rows, family: { ...rows.family, ...ended(rows, 'refresh_token_reused') } }),
    ],
    ['the user is disabled', 'user_disabled', rows => ({ ...rows, user: { ...rows.user, disabledAt: rows.now } })],
    ['the user is deleted', 'user_disabled', rows => ({ ...rows, user: { ...rows.user, deletedAt: rows.now } })],
    [
      'the epoch of the user was raised',
      'authorization_revoked',
      rows => ({ ...rows, user: { ...rows.user, epoch: 2 } }),
    ],
    [
      'the epoch of the client was raised',
      'authorization_revoked',
      rows => ({ ...rows, client: { ...rows.client, epoch: 2 } }),
    ],
    [
      'the client is disabled',
      'authorization_revoked',
      rows => ({ ...rows, client: { ...rows.client, disabled: true } }),
    ],
    [
      'the session alone was begun before the epoch was raised',
      'authorization_revoked',
      rows => ({
        ...rows,
        user: { ...rows.user, epoch: 2 },
        family: { ...rows.family, epochs: { ...rows.family.epochs, user: 2 } },
      }),
    ],
    ['it was idle for 31 days', 'session_idle_expired', rows => ({ ...rows, now: rows.now + 31 * day * 1000 })],
    [
      'the family has reached its end',
      'session_expired',
      rows => ({ ...rows, family: { ...rows.family, absoluteEndAt: rows.now } }),
    ],
    [
      'the session has reached its end',
      'session_expired',
      rows => ({ ...rows, session: { ...rows.session, absoluteEndAt: rows.now } }),
    ],
  ]

  test.each(cases)('%s: %s', (_what, reason, after) => {
    const login = sampleLogin({ bound: true })
    login.rows = after(login.rows)
    for (const generation of [0, 7]) {
      const decision = login.present(generation)
      expect([decision.row, answered(decision), decision.change]).toEqual([3, reason, undefined])
    }
  })

  test('comes before reuse: a spent token of an ended login says how it ended', () => {
    const login = sampleLogin()
    for (let n = 0; n < 3; n++) {
      login.later(hour)
      login.present(n)
    }
    login.rows = { ...login.rows, user: { ...login.rows.user, epoch: 2 } }
    expect(answered(login.present(0))).toBe('authorization_revoked')
    expect(login.audit).toEqual([])
  })

  test('raising the epoch of everything renews access tokens and logs nobody out', () => {
    const login = sampleLogin({ bound: true })
    login.rows = { ...login.rows, issuer: { ...login.rows.issuer, epoch: 1_900_000_000 } }
    expect(login.present(0).row).toBe(5)
  })

  test('idle is counted from the last use, to the millisecond', () => {
    const login = sampleLogin()
    login.later(29 * day)
    expect(login.present(0).row).toBe(5)
    login.later(30 * day - 0.001)
    expect(login.present(1).row).toBe(5)
    login.later(30 * day)
    expect(answered(login.present(2))).toBe('session_idle_expired')
  })

  test('the first use in a day is durable; a use that the store has forgotten all the same is younger by a day at most, and the login not idle', () => {
    const login = sampleLogin()
    login.later(day - 0.001)
    expect(login.judge(0).change?.durable).toBe(false)
    login.later(0.001)
    expect(login.judge(0).change?.durable).toBe(true)
    login.later(30 * day - 0.001)
    expect(answered(login.judge(0))).toBe('session_idle_expired')
    expect(login.judge(1)).toMatchObject({ row: 4, change: { durable: true } })
    login.later(0.001)
    expect(answered(login.judge(1))).toBe('session_idle_expired')
  })

  test('idle is counted from the last restore if that is later: an old backup logs nobody out', () => {
    const login = sampleLogin()
    login.later(100 * day)
    login.rows = { ...login.rows, issuer: sampleIssuer({ restoredAt: login.rows.now }) }
    login.later(30 * day - 1)
    expect(login.present(3).row).toBe(4)
    login.later(30 * day)
    expect(answered(login.present(3))).toBe('session_idle_expired')
  })

  test('the absolute end comes however busy the login is', () => {
    const login = sampleLogin({ bound: true })
    for (let n = 0; n < 18; n++) {
      expect(login.present(n).row).toBe(5)
      login.later(10 * day)
    }
    expect(answered(login.present(18))).toBe('session_expired')
  })

  test('a password change ends every login that was begun before, and keeps the one that made it', () => {
    const kept = sampleLogin({ bound: true })
    const other = sampleLogin({ bound: true })
    const { session, family, user, issuer, now } = kept.rows
    const keep = { now, issuer, session, user, families: [family] }
    const change = endAllSessions({ now, issuer, user }, 'password_changed', { keep })
    for (const { table, row } of change.writes) kept.rows = { ...kept.rows, [table]: row }
    other.rows = { ...other.rows, user: kept.rows.user }
    expect(answered(other.present(0))).toBe('authorization_revoked')
    expect(kept.present(0).row).toBe(5)
  })

  test('a session that its user ended on another device is over for every family in it', () => {
    const login = sampleLogin({ bound: true })
    const { session, user, issuer, now } = login.rows
    const change = endSession({ now, issuer, session, user }, 'ended_by_user')
    for (const { table, row } of change?.writes ?? []) login.rows = { ...login.rows, [table]: row }
    expect(answered(login.present(0))).toBe('session_ended')
  })
})

describe('row 4: a token of a later generation, so the store has forgotten', () => {
  test.each([true, false])('bound %s: the family moves forward to it, audited, and the login goes on', bound => {
    const login = sampleLogin({ bound })
    login.rows = { ...login.rows, family: { ...login.rows.family, generation: 3 } }
    login.later(5)
    const decision = login.present(9)
    expect([decision.row, answered(decision), decision.change?.durable]).toEqual([4, 'unchanged', false])
    expect(login.rows.family).toMatchObject({ generation: 9, rotatedAt: login.rows.now })
    expect(login.audit).toMatchObject([{ event: 'refresh.fast_forwarded', facts: { from: 3, to: 9 } }])
    login.later(hour)
    expect(answered(login.present(9))).toBe(10)
  })

  test('after a crash that lost the last rotation, the client never notices', () => {
    const login = sampleLogin()
    login.later(hour)
    const beforeCrash = login.rows
    expect(answered(login.present(0))).toBe(1)
    login.rows = beforeCrash
    login.later(hour)
    expect(login.present(1).row).toBe(4)
    login.later(hour)
    expect(answered(login.present(1))).toBe(2)
  })

  test('after a restore the first to come is believed', () => {
    const login = sampleLogin()
    login.later(hour)
    login.rows = { ...login.rows, issuer: sampleIssuer({ restoredAt: login.rows.now }) }
    login.later(hour)
    expect(login.present(6).row).toBe(4)
    login.later(hour)
    expect(answered(login.present(6))).toBe(7)
  })

  test('a second one, of an unbound family already used since the restore, is reuse: two hands hold later tokens', () => {
    const login = sampleLogin()
    login.later(hour)
    login.rows = { ...login.rows, issuer: sampleIssuer({ restoredAt: login.rows.now }) }
    login.later(hour)
    expect(login.present(6).row).toBe(4)
    login.later(hour)
    expect(login.present(8).row).toBe(10)
    expect(login.rows.family.endedAt).not.toBeNull()
  })

  test('a single step ahead is no reuse even then: a crash after a restore logs nobody out', () => {
    const login = sampleLogin()
    login.later(hour)
    login.rows = { ...login.rows, issuer: sampleIssuer({ restoredAt: login.rows.now }) }
    login.later(hour)
    expect(login.present(6).row).toBe(4)
    login.later(hour)
    const beforeCrash = login.rows
    expect(answered(login.present(6))).toBe(7)
    login.rows = beforeCrash
    expect(login.present(7).row).toBe(4)
    login.later(20)
    expect(login.present(6).row).toBe(9)
  })

  test('a bound family moves forward as often as it must', () => {
    const login = sampleLogin({ bound: true })
    login.later(hour)
    login.rows = { ...login.rows, issuer: sampleIssuer({ restoredAt: login.rows.now }) }
    login.later(hour)
    for (const generation of [6, 8, 20]) expect(login.present(generation).row).toBe(4)
  })

  test('a family opened after the restore has nothing to do with it', () => {
    const login = sampleLogin({ issuer: sampleIssuer({ restoredAt: Date.UTC(2026, 0, 1) }) })
    login.later(hour)
    login.present(0)
    login.later(hour)
    expect(login.present(4).row).toBe(4)
  })
})

describe('row 5: the current token, old enough', () => {
  test('rotates in one write that is neither durable nor audited', () => {
    const login = sampleLogin()
    login.later(60)
    const decision = login.present(0)
    expect([decision.row, answered(decision)]).toEqual([5, 1])
    expect(decision.change).toMatchObject({ audit: [], entries: [], durable: false })
    expect(decision.change?.writes.map(write => write.table)).toEqual(['family'])
    expect(login.rows.family).toMatchObject({ generation: 1, rotatedAt: login.rows.now })
  })

  test('a bound family rotates at every use, even in the same millisecond', () => {
    const login = sampleLogin({ bound: true })
    for (let n = 0; n < 10; n++) expect(answered(login.present(n))).toBe(n + 1)
  })

  test('of two nodes that rotate at once, one commits; the other loads again and finds row 7 or 8', () => {
    for (const [bound, then] of [
      [true, 7],
      [false, 8],
    ] as const) {
      const login = sampleLogin({ bound })
      login.later(hour)
      const loser = login.judge(0)
      expect(login.present(0).row).toBe(5)
      const [write] = loser.change?.writes ?? []
      expect(write).toMatchObject({ table: 'family', row: { version: login.rows.family.version - 1 } })
      const again = login.present(0)
      expect([again.row, answered(again)]).toEqual([then, 1])
    }
  })
})

describe('row 6: the current token, too young to rotate', () => {
  test('gives an access token, no refresh token, and writes nothing; generation 0 counts from the login', () => {
    const login = sampleLogin()
    for (const seconds of [0, 30, 29.999]) {
      login.later(seconds)
      const decision = login.present(0)
      expect([decision.row, answered(decision), decision.change]).toEqual([6, 'unchanged', undefined])
    }
    login.later(0.001)
    expect(login.present(0).row).toBe(5)
    login.later(59.999)
    expect(login.present(1).row).toBe(6)
  })

  test('repeats the refresh token for clients that cannot live without the field', () => {
    const login = sampleLogin({ refresh: { repeatsUnchanged: true } })
    expect([login.judge(0).row, answered(login.judge(0))]).toEqual([6, 0])
    expect([login.judge(3).row, answered(login.judge(3))]).toEqual([4, 3])
  })

  test('a clock that was set back leaves the token as it is', () => {
    const login = sampleLogin()
    login.later(hour)
    login.present(0)
    login.later(-10 * hour)
    expect(login.present(1).row).toBe(6)
    expect(login.present(0).row).toBe(8)
    expect(login.rows.family.endedAt).toBeNull()
  })
})

describe('row 7: an earlier token with a fresh proof of the key', () => {
  test('is answered with the current generation, however late', () => {
    const login = sampleLogin({ bound: true })
    login.present(0)
    for (const seconds of [0, 19, 6 * day, hour]) {
      login.later(seconds)
      const decision = login.present(0)
      expect([decision.row, answered(decision)]).toEqual([7, 1])
    }
    expect(login.audit).toEqual([])
    login.later(23 * day)
    expect(answered(login.present(0))).toBe(1)
  })

  test('counts as use: a client that cannot keep what it is given is not idle', () => {
    const login = sampleLogin({ bound: true })
    login.present(0)
    for (let n = 0; n < 150; n++) {
      login.later(day)
      expect(answered(login.present(0))).toBe(1)
    }
    expect(login.audit).toEqual([])
    expect(login.rows.family.version).toBeLessThan(25)
  })

  test('counts as use when it is flagged, too', () => {
    for (const every of [day, 600]) {
      const login = sampleLogin({ bound: true })
      for (let n = 0; n < 3; n++) login.present(n)
      for (let time = 0; time < 40 * day; time += every) {
        login.later(every)
        expect(answered(login.present(0))).toBe(3)
      }
      const hours = (40 * day) / Math.max(every, hour)
      expect(login.audit).toHaveLength(hours)
    }
  })

  test('two or more generations back is also flagged, at most once an hour', () => {
    const login = sampleLogin({ bound: true })
    for (let n = 0; n < 6; n++) login.present(n)
    for (const generation of [0, 4, 3, 1]) {
      const decision = login.present(generation)
      expect([decision.row, answered(decision)]).toEqual([7, 6])
    }
    expect(login.audit).toMatchObject([{ event: 'refresh.replay_flagged', facts: { behind: 6 } }])
    login.later(hour)
    login.present(4)
    expect(login.audit).toHaveLength(2)
  })

  test('ends the family if the client wants it so, with the feed told and one audit row', () => {
    const login = sampleLogin({ bound: true, refresh: { flaggedReplayEndsFamily: true } })
    for (let n = 0; n < 3; n++) login.present(n)
    expect(login.present(2).row).toBe(7)
    expect(login.rows.family.endedAt).toBeNull()
    const decision = login.present(1)
    expect([decision.row, answered(decision), decision.change?.durable]).toEqual([7, 'session_ended', true])
    expect(decision.change?.entries.map(entry => entry.kind)).toEqual(['family', 'session'])
    expect(login.audit).toMatchObject([{ event: 'session.ended', facts: { reason: 'replay_flagged' } }])
    expect(answered(login.present(3))).toBe('session_ended')
  })
})

describe('row 8: the previous token of an unbound family, within the grace', () => {
  test('is answered again with the current one, nothing written, until the grace is over', () => {
    const login = sampleLogin()
    login.later(hour)
    login.present(0)
    for (const seconds of [0, 10, 9.999]) {
      login.later(seconds)
      const decision = login.present(0)
      expect([decision.row, answered(decision), decision.change]).toEqual([8, 1, undefined])
    }
    login.later(0.001)
    expect(login.present(0).row).toBe(9)
  })

  test('two generations back is reuse, even within the grace', () => {
    const login = sampleLogin({ refresh: { minimumLifeSeconds: 0 } })
    login.present(0)
    login.present(1)
    expect(login.judge(1).row).toBe(8)
    expect(login.present(0).row).toBe(10)
  })
})

describe('row 9: one late retry is forgiven', () => {
  test('once: replayed, durable and audited; the next one is reuse', () => {
    const login = sampleLogin()
    login.later(hour)
    login.present(0)
    login.later(hour)
    const decision = login.present(0)
    expect([decision.row, answered(decision), decision.change?.durable]).toEqual([9, 1, true])
    expect(login.audit).toMatchObject([{ event: 'refresh.credit_spent', facts: { generation: 1 } }])
    login.later(20)
    expect(login.present(0).row).toBe(10)
  })

  test('starts grace and minimum life again', () => {
    const login = sampleLogin()
    login.later(hour)
    login.present(0)
    login.later(hour)
    login.present(0)
    login.later(19)
    expect(login.present(0).row).toBe(8)
    expect(login.present(1).row).toBe(6)
    login.later(41)
    expect(login.present(1).row).toBe(5)
  })

  test('the credit returns after eight clean rotations, not after seven', () => {
    for (const [rotations, row] of [
      [7, 10],
      [8, 9],
    ] as const) {
      const login = sampleLogin()
      login.later(hour)
      login.present(0)
      login.later(hour)
      expect(login.present(0).row).toBe(9)
      for (let n = 1; n <= rotations; n++) {
        login.later(hour)
        expect(login.present(n).row).toBe(5)
      }
      login.later(hour)
      expect(login.present(rotations).row).toBe(row)
    }
  })
})

describe('row 10: reuse', () => {
  function reused(more: Parameters<typeof sampleLogin>[0] = {}): ReturnType<typeof sampleLogin> {
    const login = sampleLogin(more)
    for (let n = 0; n < 3; n++) {
      login.later(hour)
      login.present(n)
    }
    return login
  }

  test('ends the login durably before the answer: one audit row, and the feed is told (RFC 9700 §4.14)', () => {
    const login = reused()
    const decision = login.present(1)
    expect([decision.row, answered(decision), decision.change?.durable]).toEqual([10, 'refresh_token_reused', true])
    expect(login.rows.family).toMatchObject({ endedAt: login.rows.now, endReason: 'refresh_token_reused' })
    expect(login.rows.session.endedAt).toBe(login.rows.now)
    expect(decision.change?.entries.map(entry => [entry.kind, 'id' in entry && entry.id])).toEqual([
      ['family', login.rows.family.id],
      ['session', login.rows.session.id],
    ])
    expect(login.audit).toMatchObject([
      { event: 'refresh.reused', facts: { presented: 1, current: 3, ended: 'session.ended' } },
    ])
    for (const generation of [0, 1, 2, 3, 4]) {
      expect(answered(login.present(generation))).toBe('refresh_token_reused')
    }
    expect(login.audit).toHaveLength(1)
  })

  test('of one client in a shared session ends that client alone, unless its policy says the session', () => {
    for (const [reuseEndsSession, ends] of [
      [false, ['family']],
      [true, ['family', 'session']],
    ] as const) {
      const login = reused({ refresh: { reuseEndsSession } })
      login.rows = { ...login.rows, session: { ...login.rows.session, clientId: null } }
      const decision = login.present(0)
      expect(decision.change?.writes.map(write => write.table)).toEqual(ends)
      expect(decision.change?.entries.map(entry => entry.kind)).toEqual(ends)
      expect(decision.change?.audit).toHaveLength(1)
    }
  })

  test("is how a thief of an unbound token is noticed at the victim's next refresh", () => {
    const login = sampleLogin()
    login.later(hour)
    expect(answered(login.present(0))).toBe(1)
    login.later(hour)
    expect(answered(login.present(1))).toBe(2)
    login.later(hour)
    expect(answered(login.present(0))).toBe('refresh_token_reused')
  })

  test('a token of the far past is reuse too', () => {
    const login = reused()
    login.rows = { ...login.rows, family: { ...login.rows.family, generation: 4_000_000_000 } }
    expect(login.present(0).row).toBe(10)
  })
})

describe('a client that authenticates by its key alone (private_key_jwt)', () => {
  test('is bound by that: rotated at every use, answered however late, and never reuse', () => {
    const login = sampleLogin({ client: { jwks: [{}] } })
    for (let n = 0; n < 4; n++) expect(login.present(n).row).toBe(5)
    login.later(hour)
    for (const generation of [3, 2, 0]) expect(login.present(generation).row).toBe(7)
    expect(login.rows.family.endedAt).toBeNull()
  })

  test('is not while it could do without', () => {
    const login = sampleLogin({ client: { jwks: [{}], secretHashes: ['x'] } })
    expect(login.present(0).row).toBe(6)
    for (let n = 0; n < 3; n++) {
      login.later(hour)
      login.present(n)
    }
    expect(login.present(0).row).toBe(10)
  })
})
