import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  activeRefreshKey,
  activeSigningKey,
  defaultKeyPolicy,
  type KeyPolicy,
  type KeyRing,
  publishedSigningKeys,
  type SigningAlgorithm,
} from './key-ring.ts'
import { type NewSigningKey, retireRefreshKey, retireSigningKey, rotateNow, turnKeys } from './turn-keys.ts'

const start = Date.UTC(2026, 0, 1)
const hour = 3_600_000
const day = 24 * hour
const year = 365 * day
const policy = defaultKeyPolicy

function keyMaker(): () => NewSigningKey {
  let count = 0
  return () => ({ kid: `key-${++count}`, alg: 'ES256', publicJwk: { kty: 'EC' }, sealedPrivate: 'sealed' })
}

function firstRing(make: () => NewSigningKey): KeyRing {
  return turnKeys({ signing: [], refresh: [], version: 0 }, start, policy, make)
}

const states = (ring: KeyRing): string[] => ring.signing.map(key => `${key.kid} ${key.state}`)

function rotated(ring: KeyRing, now: number, make: () => NewSigningKey): KeyRing {
  const next = rotateNow(ring, now, policy, make)
  if (next === undefined) throw new Error('not rotated')
  return next
}

/** By schedule, a key that has signed is accepted until its last token is past. */
function expectLongTails(ring: KeyRing, rules: KeyPolicy): void {
  for (const { retiringAt, retiredAt } of ring.signing) {
    if (retiredAt === null) continue
    expect(retiredAt - (retiringAt ?? retiredAt)).toBeGreaterThanOrEqual(rules.signingTailSeconds * 1000)
  }
}

/** What must be true of any ring at any time. */
function expectSound(ring: KeyRing, now: number, rules: KeyPolicy): void {
  expect(ring.signing.filter(key => key.state === 'active')).toHaveLength(1)
  expect(ring.signing.filter(key => key.state === 'next')).toHaveLength(1)
  expect(ring.refresh.filter(key => key.state === 'active')).toHaveLength(1)
  expect(new Set(ring.signing.map(key => key.kid)).size).toBe(ring.signing.length)
  expect(new Set(ring.refresh.map(key => key.id)).size).toBe(ring.refresh.length)
  for (const key of ring.signing) {
    expect(key.sealedPrivate === null).toBe(key.state === 'retired')
    if (key.state === 'retiring') expect(now - (key.retiringAt ?? 0)).toBeLessThan(rules.signingTailSeconds * 1000)
  }
}

describe('the schedule', () => {
  test('begins with one active and one next signing key, and one refresh key', () => {
    const ring = firstRing(keyMaker())
    expect(states(ring)).toEqual(['key-1 active', 'key-2 next'])
    expect(ring.refresh).toMatchObject([{ id: 1, state: 'active' }])
    expectSound(ring, start, policy)
  })

  test('asked again at the same time, changes nothing: it returns the ring itself', () => {
    const make = keyMaker()
    let ring = firstRing(make)
    for (let now = start; now < start + year; now += 7 * hour) {
      ring = turnKeys(ring, now, policy, make)
      expect(turnKeys(ring, now, policy, make)).toBe(ring)
    }
  })

  test('over ten years: always one active key, every next published ahead, every retiring long enough', () => {
    const make = keyMaker()
    let ring = firstRing(make)
    for (let now = start; now < start + 10 * year; now += 5 * hour) {
      const before = ring
      ring = turnKeys(ring, now, policy, make)
      if (ring === before) continue
      expectSound(ring, now, policy)
      expectLongTails(ring, policy)
      const was = activeSigningKey(before)
      const is = activeSigningKey(ring)
      if (was?.kid === is?.kid) continue
      expect(before.signing.find(key => key.kid === is?.kid)?.state).toBe('next')
      expect(now - (is?.createdAt ?? now)).toBeGreaterThanOrEqual(policy.publishAheadSeconds * 1000)
      expect(now - (was?.activatedAt ?? now)).toBeGreaterThanOrEqual(30 * day)
      expect(ring.signing.find(key => key.kid === was?.kid)?.state).toBe('retiring')
    }
    expect(ring.signing.length).toBeGreaterThan(110)
    expect(publishedSigningKeys(ring).length).toBeLessThanOrEqual(3)
    expect(ring.refresh).toHaveLength(10)
  })

  test('takes up where it was when the process was away, for however long: no gap, and no key unseen before', () => {
    const policies = fc.record({
      algorithms: fc.constant([]),
      rotationSeconds: fc.integer({ min: 60, max: 90 * 86_400 }),
      publishAheadSeconds: fc.integer({ min: 1, max: 86_400 }),
      signingTailSeconds: fc.integer({ min: 1, max: 86_400 }),
      refreshRotationSeconds: fc.integer({ min: 60, max: 400 * 86_400 }),
      refreshTailSeconds: fc.integer({ min: 60, max: 3_650 * 86_400 }),
    })
    return fc.assert(
      fc.property(
        policies,
        fc.array(fc.integer({ min: 1, max: 300 * 86_400 }), { maxLength: 15 }),
        (rules, absences) => {
          const make = keyMaker()
          let now = start
          let ring = turnKeys({ signing: [], refresh: [], version: 0 }, now, rules, make)
          for (const seconds of absences) {
            now += seconds * 1000
            const before = ring
            ring = turnKeys(ring, now, rules, make)
            expectSound(ring, now, rules)
            expectLongTails(ring, rules)
            expect(turnKeys(ring, now, rules, make)).toBe(ring)
            const is = activeSigningKey(ring)
            expect(before.signing.map(key => key.kid)).toContain(is?.kid)
            if (is?.kid !== activeSigningKey(before)?.kid) {
              expect(now - (is?.createdAt ?? now)).toBeGreaterThanOrEqual(rules.publishAheadSeconds * 1000)
            }
          }
        },
      ),
    )
  })

  test('does not use a next key before it has been published for long enough', () => {
    const make = keyMaker()
    const eager = { ...policy, rotationSeconds: 60 }
    const ring = firstRing(make)
    expect(activeSigningKey(turnKeys(ring, start + 359_999, eager, make))?.kid).toBe('key-1')
    expect(activeSigningKey(turnKeys(ring, start + 360_000, eager, make))?.kid).toBe('key-2')
  })

  test('keeps a retiring key published for the longest token that it can have signed, then drops its private part', () => {
    const make = keyMaker()
    const turned = turnKeys(firstRing(make), start + 30 * day, policy, make)
    expect(states(turned)).toEqual(['key-1 retiring', 'key-2 active', 'key-3 next'])
    const [still] = turnKeys(turned, start + 31 * day - 1, policy, make).signing
    expect(still).toMatchObject({ state: 'retiring', sealedPrivate: 'sealed' })
    const [gone] = turnKeys(turned, start + 31 * day, policy, make).signing
    expect(gone).toMatchObject({ state: 'retired', sealedPrivate: null, retiredAt: start + 31 * day })
    expect(publishedSigningKeys(turnKeys(turned, start + 31 * day, policy, make)).map(key => key.kid)).not.toContain(
      'key-1',
    )
  })

  test('is not disturbed by a clock that is set back', () => {
    const make = keyMaker()
    const ring = turnKeys(firstRing(make), start + 30 * day, policy, make)
    expect(turnKeys(ring, start, policy, make)).toBe(ring)
  })

  test('turns refresh keys once a year, and accepts the old ones as long as the longest login', () => {
    const make = keyMaker()
    let ring = firstRing(make)
    for (let now = start; now <= start + 11 * year; now += day) ring = turnKeys(ring, now, policy, make)
    expect(activeRefreshKey(ring)?.id).toBe(12)
    expect(ring.refresh.map(key => key.state)).toEqual(['retired', ...new Array(10).fill('retiring'), 'active'])
  })
})

describe('by hand', () => {
  test('keys rotate: the next key at once, the old one stays accepted, and there is a next again', () => {
    const make = keyMaker()
    const ring = rotated(firstRing(make), start + hour, make)
    expect(states(ring)).toEqual(['key-1 retiring', 'key-2 active', 'key-3 next'])
    expectSound(ring, start + hour, policy)
  })

  test('keys rotate, twice in a row: refused until every verifier has read the next key', () => {
    const make = keyMaker()
    const ring = rotated(firstRing(make), start + hour, make)
    const known = start + hour + policy.publishAheadSeconds * 1000
    expect(rotateNow(ring, known - 1, policy, make)).toBeUndefined()
    expect(states(rotated(ring, known, make))).toContain('key-3 active')
  })

  test('keys retire, of the active key: dead at once, private part gone, the next one takes over', () => {
    const make = keyMaker()
    const ring = retireSigningKey(firstRing(make), 'key-1', start + hour, policy, make)
    if (ring === undefined) throw new Error('not retired')
    expect(states(ring)).toEqual(['key-1 retired', 'key-2 active', 'key-3 next'])
    expect(ring.signing[0]).toMatchObject({ sealedPrivate: null, retiredAt: start + hour })
    expectSound(ring, start + hour, policy)
  })

  test('keys retire, of the next or a retiring key: the active one goes on', () => {
    const make = keyMaker()
    const ring = rotated(firstRing(make), start + hour, make)
    for (const kid of ['key-1', 'key-3']) {
      const after = retireSigningKey(ring, kid, start + 2 * hour, policy, make)
      if (after === undefined) throw new Error('not retired')
      expect(activeSigningKey(after)?.kid).toBe('key-2')
      expect(publishedSigningKeys(after).map(key => key.kid)).not.toContain(kid)
      expectSound(after, start + 2 * hour, policy)
    }
  })

  test('keys retire, of an unknown or already retired key, is nothing', () => {
    const make = keyMaker()
    const ring = firstRing(make)
    expect(retireSigningKey(ring, 'key-9', start, policy, make)).toBeUndefined()
    const retired = retireSigningKey(ring, 'key-1', start, policy, make)
    expect(retired && retireSigningKey(retired, 'key-1', start, policy, make)).toBeUndefined()
    expect(retireRefreshKey(ring, 9, start, policy)).toBeUndefined()
  })

  test('all keys retired one after another: there is always one to sign with', () => {
    const make = keyMaker()
    let ring = firstRing(make)
    for (let n = 1; n <= 20; n++) {
      ring = retireSigningKey(ring, `key-${n}`, start + n, policy, make) ?? ring
      expectSound(ring, start + n, policy)
    }
  })

  test('a retired refresh key is never made again: its number is not reused', () => {
    const ring = retireRefreshKey(firstRing(keyMaker()), 1, start + hour, policy)
    expect(ring?.refresh).toMatchObject([
      { id: 1, state: 'retired' },
      { id: 2, state: 'active' },
    ])
  })
})

describe('several algorithms', () => {
  const all: KeyPolicy = { ...policy, algorithms: ['RS256', 'EdDSA'] }
  const maker = (): ((alg: SigningAlgorithm) => NewSigningKey) => {
    let count = 0
    return alg => ({ kid: `${alg}-${++count}`, alg, publicJwk: {}, sealedPrivate: 'sealed' })
  }
  const of = (ring: KeyRing, algorithm: SigningAlgorithm): KeyRing => ({
    ...ring,
    signing: ring.signing.filter(({ alg }) => alg === algorithm),
  })

  test('each has an active and a next key of its own, and access tokens’ is among them whatever is configured', () => {
    const ring = turnKeys({ signing: [], refresh: [], version: 0 }, start, all, maker())
    expect(ring.signing.map(({ alg, state }) => `${alg} ${state}`)).toEqual([
      'ES256 active',
      'ES256 next',
      'RS256 active',
      'RS256 next',
      'EdDSA active',
      'EdDSA next',
    ])
  })

  test('one that is added later works at once: its first two keys are born together, and the others’ do not turn', () => {
    const make = maker()
    const before = turnKeys({ signing: [], refresh: [], version: 0 }, start, policy, make)
    const now = start + 10 * day
    const after = turnKeys(before, now, { ...policy, algorithms: ['RS256'] }, make)
    expect(of(after, 'ES256').signing).toEqual(before.signing)
    expect(of(after, 'RS256').signing).toMatchObject([
      { state: 'active', createdAt: now, activatedAt: now },
      { state: 'next', createdAt: now },
    ])
  })

  test('one that nobody names any more goes on turning: another node may still sign with it', () => {
    const make = maker()
    const before = turnKeys({ signing: [], refresh: [], version: 0 }, start, all, make)
    const after = turnKeys(before, start + 30 * day, policy, make)
    for (const algorithm of ['ES256', 'RS256', 'EdDSA'] as const) {
      expect(of(after, algorithm).signing.map(({ state }) => state)).toEqual(['retiring', 'active', 'next'])
    }
  })

  test('for each of them, at any times: sound, published ahead, and no key ever changes its algorithm', () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 60 * 86_400 }), fc.constantFrom('turn', 'rotate', 'retire')),
    )
    return fc.assert(
      fc.property(steps, history => {
        const make = maker()
        let now = start
        let ring = turnKeys({ signing: [], refresh: [], version: 0 }, now, all, make)
        for (const [seconds, what] of history) {
          now += seconds * 1000
          const before = ring
          const victim = before.signing.find(({ state, alg }) => state === 'active' && alg === 'RS256')?.kid ?? ''
          if (what === 'turn') ring = turnKeys(ring, now, all, make)
          if (what === 'rotate') ring = rotateNow(ring, now, all, make) ?? ring
          if (what === 'retire') ring = retireSigningKey(ring, victim, now, all, make) ?? ring
          for (const algorithm of ['ES256', 'RS256', 'EdDSA'] as const) {
            if (what === 'turn') expectSound(of(ring, algorithm), now, all)
            const is = activeSigningKey(ring, algorithm)
            if (is?.kid === activeSigningKey(before, algorithm)?.kid || (what === 'retire' && algorithm === 'RS256'))
              continue
            const was = before.signing.find(({ kid }) => kid === is?.kid)
            const bornTogether = was?.createdAt === activeSigningKey(before, algorithm)?.createdAt
            expect(was?.state).toBe('next')
            expect(bornTogether || now - (was?.createdAt ?? now) >= all.publishAheadSeconds * 1000).toBe(true)
          }
          for (const key of ring.signing) expect(key.kid.startsWith(`${key.alg}-`)).toBe(true)
        }
      }),
    )
  })

  test('rotated by hand while one is too young: the others rotate, and it stays', () => {
    const make = maker()
    const first = turnKeys({ signing: [], refresh: [], version: 0 }, start, all, make)
    const retired = retireSigningKey(first, activeSigningKey(first, 'RS256')?.kid ?? '', start + hour, all, make)
    const ring = retired && rotateNow(retired, start + hour + 1000, all, make)
    if (retired === undefined || ring === undefined) throw new Error('nothing happened')
    expect(of(ring, 'RS256')).toEqual(of(retired, 'RS256'))
    expect(activeSigningKey(ring)?.kid).not.toBe(activeSigningKey(retired)?.kid)
    expect(activeSigningKey(ring, 'EdDSA')?.kid).not.toBe(activeSigningKey(retired, 'EdDSA')?.kid)
  })
})
