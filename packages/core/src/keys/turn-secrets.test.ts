import { expect, test } from 'vitest'
import { defaultKeyPolicy, type KeyRing, type SharedSecret } from './key-ring.ts'
import { newlyActive, tellRingChange } from './ring-change.ts'
import { type NewSigningKey, retireSigningKey, rotateNow, turnKeys } from './turn-keys.ts'

const start = Date.UTC(2026, 0, 1)
const hour = 3_600_000
const policy = { ...defaultKeyPolicy, secretAudiences: ['urn:a', 'urn:b'] }
let made = 0
const make = (alg: NewSigningKey['alg']): NewSigningKey => ({
  kid: `key-${++made}`,
  alg,
  publicJwk: {},
  sealedPrivate: 'x',
})
const empty: KeyRing = { signing: [], refresh: [], version: 1 }
const first = (): KeyRing => turnKeys(empty, start, policy, make)
const of = (ring: KeyRing, audience: string): readonly SharedSecret[] =>
  (ring.secrets ?? []).filter(secret => secret.audience === audience)
const states = (secrets: readonly SharedSecret[]): string[] => secrets.map(({ state }) => state)
const issuer = { epoch: 1, incarnation: 'a', restoredAt: null, longestAccessTokenSeconds: 900, version: 1 }

test('each API has a primary secret, and a secondary one that will be it; without such an API there are none', () => {
  const ring = first()
  for (const audience of ['urn:a', 'urn:b']) expect(states(of(ring, audience))).toEqual(['active', 'next'])
  expect(new Set(ring.secrets?.map(({ kid }) => kid)).size).toBe(4)
  expect(turnKeys(ring, start, policy, make)).toBe(ring)
  expect('secrets' in turnKeys(empty, start, defaultKeyPolicy, make)).toBe(false)
})

test('over three years: always one primary, known ahead of its use, and kept for what it signed', () => {
  let ring = first()
  for (let now = start; now < start + 3 * 365 * 24 * hour; now += 11 * hour) {
    const before = ring
    ring = turnKeys(ring, now, policy, make)
    const kids = newlyActive(before, ring)
    for (const secret of ring.secrets ?? []) {
      const was = before.secrets?.find(({ kid }) => kid === secret.kid)
      if (kids.includes(secret.kid)) {
        expect(was?.state).toBe('next')
        expect(now - secret.createdAt).toBeGreaterThanOrEqual(policy.publishAheadSeconds * 1000)
      }
      if (secret.retiredAt !== null) {
        expect(secret.retiredAt - (secret.retiringAt ?? Number.NaN)).toBeGreaterThanOrEqual(
          policy.signingTailSeconds * 1000,
        )
      }
    }
    for (const audience of ['urn:a', 'urn:b']) {
      expect(states(of(ring, audience)).filter(state => state === 'active')).toHaveLength(1)
      expect(states(of(ring, audience)).filter(state => state === 'next')).toHaveLength(1)
    }
  }
  // An API that is not named any more keeps its own: another node may still sign with them.
  expect(of(turnKeys(ring, start + 4 * 365 * 24 * hour, defaultKeyPolicy, make), 'urn:a').length).toBeGreaterThan(
    of(ring, 'urn:a').length,
  )
})

test('retired by hand, one secret of one API is dead, and that is told; its next takes over', () => {
  const ring = first()
  const [leaked] = of(ring, 'urn:a')
  const after = retireSigningKey(ring, leaked?.kid ?? '', start + hour, policy, make) as KeyRing
  expect(states(of(after, 'urn:a'))).toEqual(['retired', 'active', 'next'])
  expect(of(after, 'urn:b')).toEqual(of(ring, 'urn:b'))
  expect(after.signing).toEqual(ring.signing)
  const told = tellRingChange(ring, after, { now: start + hour, issuer })
  expect(told.audit).toMatchObject([{ event: 'key.retired', facts: { key: leaked?.kid } }])
  expect(told.entries).toMatchObject([{ kind: 'key', id: leaked?.kid }])
  expect(retireSigningKey(after, leaked?.kid ?? '', start + hour, policy, make)).toBeUndefined()
})

test('rotated by hand, they turn with the keys', () => {
  const ring = rotateNow(first(), start + hour, policy, make) as KeyRing
  for (const audience of ['urn:a', 'urn:b']) expect(states(of(ring, audience))).toEqual(['retiring', 'active', 'next'])
  expect(rotateNow(ring, start + hour, policy, make)).toBeUndefined()
})

test('after a backup was restored no name is given again: the same name would be the same secret', () => {
  const backup = first()
  const month = 31 * 24 * hour
  const lost = turnKeys(backup, start + month, policy, make)
  const again = turnKeys(backup, start + month + 1, policy, make)
  const kids = ({ secrets = [] }: KeyRing): string[] => secrets.map(({ kid }) => kid)
  const known = kids(backup)
  expect(kids(again).filter(kid => !known.includes(kid) && kids(lost).includes(kid))).toEqual([])
})
