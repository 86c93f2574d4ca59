import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answered, type SampleLogin, sampleLogin } from '../sample-login.ts'
import { sampleIssuer } from '../sample-rows.ts'
import type { RefreshDecision } from './refresh.ts'

/*
 * Whole histories instead of single steps: what honest clients may do without losing a login, and what a thief cannot.
 */

const day = 86_400
const manyYears = { lifetimes: { accessTokenSeconds: 900, idleSeconds: 30 * day, absoluteSeconds: 3_650 * day } }

/** A login whose server can crash, or be restored: what was committed lately and not durable may be forgotten. */
function forgetfulLogin(bound: boolean): SampleLogin & { forget(seconds: number): void } {
  const login = sampleLogin({ bound, client: manyYears })
  const { present, later } = login
  // True time, that is, whatever the clock is set to.
  let time = 0
  let history = [{ time, rows: login.rows }]
  return Object.assign(login, {
    later(seconds: number) {
      time += Math.max(0, seconds)
      later(seconds)
    },
    present(...request: Parameters<SampleLogin['present']>) {
      const decision = present(...request)
      if (decision.change?.durable) history = []
      if (decision.change !== undefined) history.push({ time, rows: login.rows })
      return decision
    },
    forget(seconds: number) {
      history = history.filter((one, index) => index === 0 || one.time < time - seconds)
      login.rows = { ...(history.at(-1)?.rows ?? login.rows), now: login.rows.now, issuer: login.rows.issuer }
    },
  })
}

/** There is one chain: whoever is answered with a token gets the current one, and a rotation adds one. */
function expectOneChain(before: number, login: SampleLogin, decision: RefreshDecision): void {
  const { outcome } = decision
  if (outcome.refused) return
  expect(outcome.family.generation).toBe(login.rows.family.generation)
  if (outcome.generation !== undefined) expect(outcome.generation).toBe(login.rows.family.generation)
  if (decision.row === 5) expect(login.rows.family.generation).toBe(before + 1)
  else if (decision.row !== 4) expect(login.rows.family.generation).toBe(before)
}

type Step =
  | { do: 'refresh'; behind: number; loses: 'nothing' | 'request' | 'answer' }
  | { do: 'wait'; seconds: number }
  | { do: 'set back'; seconds: number }
  | { do: 'crash'; forgets: number }
  | { do: 'restore'; forgets: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('refresh'),
      behind: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(20)),
      loses: fc.constantFrom('nothing', 'request', 'answer'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), seconds: fc.nat(20 * day) }) },
  fc.record({ do: fc.constant('set back'), seconds: fc.nat(day) }),
  fc.record({ do: fc.constant('crash'), forgets: fc.nat(600) }),
  fc.record({ do: fc.constant('restore'), forgets: fc.nat(60 * day) }),
)

/** A client that was given some tokens, some of them lost on the way, presents the newest it has, or any it ever had. */
function playBound(steps: readonly Step[]): void {
  const login = forgetfulLogin(true)
  const has = [0]
  for (const one of steps) {
    if (one.do === 'set back') login.later(-one.seconds)
    if (one.do === 'crash') login.forget(one.forgets)
    if (one.do === 'restore') {
      login.forget(one.forgets)
      login.rows = { ...login.rows, issuer: sampleIssuer({ restoredAt: login.rows.now }) }
    }
    // Idle logins end, which is another rule; so nobody waits for long here.
    const { now, family, issuer } = login.rows
    const idleSeconds = (now - Math.max(family.rotatedAt, issuer.restoredAt ?? 0)) / 1000
    if (one.do === 'wait' && idleSeconds + one.seconds < 14 * day) login.later(one.seconds)
    if (one.do !== 'refresh' || one.loses === 'request') continue
    const before = login.rows.family.generation
    const decision = login.present(has.at(-1 - (one.behind % has.length)) ?? 0)
    expect([4, 5, 7]).toContain(decision.row)
    expectOneChain(before, login, decision)
    const answer = answered(decision)
    if (one.loses === 'nothing' && typeof answer === 'number') has.push(answer)
  }
  expect(login.rows.family.endedAt).toBeNull()
}

describe('an honest client with a proof of its key', () => {
  test('is never logged out by losses, repeats, twins, crashes, restores or a clock that jumps', () => {
    return fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => playBound(steps)),
      { numRuns: 300 },
    )
  })
})

describe('an honest client that repeats lost requests within the grace', () => {
  const wait = fc.oneof(fc.nat(120), fc.nat(13 * day))
  const attempt = fc.record({
    loses: fc.array(fc.constantFrom('request' as const, 'answer' as const), { maxLength: 4 }),
    retryAfter: fc.integer({ min: 0, max: 4 }),
    wait,
    twinAfter: fc.option(fc.nat(3)),
    // H is 60 s: a crash costs one rotation at most.
    crashForgets: fc.nat(59),
    restoreForgets: fc.option(fc.nat(60 * day), { freq: 12 }),
  })

  test.each([
    ['without a proof is never logged out, whatever is lost, with a twin, across crashes and restores', false],
    ['with a proof is never flagged either', true],
  ])('%s', (_name, bound) => {
    const history = fc.array(attempt, { maxLength: 30 })
    return fc.assert(
      fc.property(history, attempts => {
        const login = forgetfulLogin(bound)
        let holds = 0
        const use = (generation: number): number | undefined => {
          const before = login.rows.family.generation
          const decision = login.present(generation)
          expect(bound ? [4, 5, 7] : [4, 5, 6, 8]).toContain(decision.row)
          expectOneChain(before, login, decision)
          return decision.outcome.refused ? undefined : decision.outcome.generation
        }
        for (const { loses, retryAfter, wait, twinAfter, crashForgets, restoreForgets } of attempts) {
          login.later(wait)
          login.forget(restoreForgets ?? crashForgets)
          if (restoreForgets !== null) {
            login.rows = { ...login.rows, issuer: sampleIssuer({ restoredAt: login.rows.now }) }
          }
          const presented = holds
          for (const lost of loses) {
            if (lost === 'answer') use(presented)
            login.later(retryAfter)
          }
          holds = use(presented) ?? holds
          if (twinAfter === null) continue
          login.later(twinAfter)
          holds = use(presented) ?? holds
        }
        expect(login.rows.family.endedAt).toBeNull()
        expect(login.audit.filter(({ event }) => event !== 'refresh.fast_forwarded')).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

describe('a thief with a copy of an unbound token', () => {
  test('is noticed at the first refresh after the other has rotated, and out at the third change of hands at the latest', () => {
    const turn = fc.record({ thief: fc.boolean(), wait: fc.integer({ min: 61, max: 2 * day }) })
    return fc.assert(
      fc.property(fc.nat(12), fc.array(turn, { minLength: 1, maxLength: 30 }), (stolenAt, turns) => {
        const login = sampleLogin({ client: manyYears })
        for (let n = 0; n < stolenAt; n++) {
          login.later(3_600)
          login.present(n)
        }
        const holds = { thief: stolenAt, victim: stolenAt }
        let last: 'thief' | 'victim' | undefined
        let changes = 0
        for (const { thief, wait } of turns) {
          login.later(wait)
          const who = thief ? 'thief' : 'victim'
          const changed = last !== undefined && last !== who
          if (changed) changes++
          const decision = login.present(holds[who])
          if (changes === 1 && changed) expect([9, 10]).toContain(decision.row)
          if (decision.outcome.refused) break
          holds[who] = decision.outcome.generation ?? holds[who]
          last = who
        }
        if (changes > 0) expect(login.audit.length).toBeGreaterThan(0)
        if (changes >= 3) expect(login.rows.family.endedAt).not.toBeNull()
      }),
      { numRuns: 300 },
    )
  })

  test('or of a whole profile, key included, is flagged at the third change of hands at the latest, and logs nobody out', () => {
    const turn = fc.record({ thief: fc.boolean(), wait: fc.integer({ min: 20, max: 2 * day }) })
    return fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 30 }), turns => {
        const login = sampleLogin({ bound: true, client: manyYears })
        const holds = { thief: 0, victim: 0 }
        let last: 'thief' | 'victim' | undefined
        let changes = 0
        for (const { thief, wait } of turns) {
          login.later(wait)
          const who = thief ? 'thief' : 'victim'
          if (last !== undefined && last !== who) changes++
          const decision = login.present(holds[who])
          if (!decision.outcome.refused) holds[who] = decision.outcome.generation ?? holds[who]
          last = who
        }
        if (changes >= 3) expect(login.audit[0]).toMatchObject({ event: 'refresh.replay_flagged' })
        expect(login.rows.family.endedAt).toBeNull()
      }),
      { numRuns: 300 },
    )
  })

  test('learns nothing and ends nothing by guessing: only a token of ours, from its client, with its proof, is judged', () => {
    return fc.assert(
      fc.property(
        fc.boolean(),
        fc.nat(9),
        fc.nat(20),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (bound, generation, guess, salt) => {
          const login = sampleLogin({ bound })
          login.rows = { ...login.rows, family: { ...login.rows.family, generation } }
          const decision = login.present(guess, { salt: Buffer.from(salt) })
          expect(decision).toEqual({ row: 1, outcome: { refused: true, reason: 'refresh_token_invalid' } })
        },
      ),
    )
  })
})

test('whatever the rows say: one row decides, audits once at most, and what takes something away is durable', () => {
  const state = fc.record({
    bound: fc.boolean(),
    proof: fc.boolean(),
    generation: fc.nat(12),
    presented: fc.nat(14),
    age: fc.integer({ min: -1000, max: 200_000 }),
    creditSpentAt: fc.option(fc.nat(12)),
    flaggedAgo: fc.option(fc.nat(7_200)),
    leakedAgo: fc.option(fc.nat(7_200)),
    restoredAgo: fc.option(fc.nat(300_000)),
    flaggedReplayEndsFamily: fc.boolean(),
    repeatsUnchanged: fc.boolean(),
  })
  return fc.assert(
    fc.property(state, one => {
      const login = sampleLogin({
        bound: one.bound,
        refresh: { flaggedReplayEndsFamily: one.flaggedReplayEndsFamily, repeatsUnchanged: one.repeatsUnchanged },
      })
      const { now, family } = login.rows
      const ago = (seconds: number | null): number | null => (seconds === null ? null : now - seconds * 1000)
      login.rows = {
        ...login.rows,
        issuer: sampleIssuer({ restoredAt: ago(one.restoredAgo) }),
        family: {
          ...family,
          createdAt: now - 400_000_000,
          generation: one.generation,
          rotatedAt: now - one.age * 1000,
          creditSpentAt: one.creditSpentAt,
          flaggedAt: ago(one.flaggedAgo),
          leakedAt: ago(one.leakedAgo),
        },
      }
      const decision = login.judge(one.presented, one.proof ? {} : { jkt: null })
      const { row, outcome, change } = decision
      const ends = change?.writes.some(write => write.table === 'family' && write.row.endedAt !== null) ?? false
      expect([2, 4, 5, 6, 7, 8, 9, 10]).toContain(row)
      expect(row === 2).toBe(one.bound && !one.proof)
      expect(outcome.refused === true).toBe(row === 2 || row === 10 || ends)
      expect(ends).toBe(row === 10 || (row === 7 && one.flaggedReplayEndsFamily && one.presented <= one.generation - 2))
      if (row === 6 || row === 8) expect(change).toBeUndefined()
      if (row === 4 || row === 9 || row === 10) expect(change?.audit).toHaveLength(1)
      expect(change?.audit.length ?? 0).toBeLessThanOrEqual(row === 5 ? 0 : 1)
      const isUse = change !== undefined && (row === 4 || row === 5 || row === 7)
      expect(change?.durable ?? false).toBe(ends || row === 9 || (isUse && one.age >= 86_400))
      expect(change?.entries.length ?? 0).toBe(ends ? 2 : 0)
      if (!ends) expect(change?.writes.length ?? 0).toBeLessThanOrEqual(1)
      expect(typeof answered(decision)).toBe(outcome.refused || outcome.generation === undefined ? 'string' : 'number')
    }),
    { numRuns: 2000 },
  )
})
