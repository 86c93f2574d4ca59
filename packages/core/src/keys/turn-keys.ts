import type { Instant } from '../ids.ts'
import {
  accessTokenAlgorithm,
  activeSigningKey,
  type KeyPolicy,
  type KeyRing,
  type KeyState,
  type RefreshKey,
  type SigningAlgorithm,
  type SigningKey,
} from './key-ring.ts'

/** A fresh signing key, as its maker hands it over: the ring decides its state and times. */
export type NewSigningKey = Pick<SigningKey, 'kid' | 'alg' | 'publicJwk' | 'sealedPrivate'>

export type MakeSigningKey = (algorithm: SigningAlgorithm) => NewSigningKey

/** Where a move puts a key's life. */
function moved<K extends SigningKey | RefreshKey>(key: K, state: KeyState, now: Instant): K {
  if (state === 'active') return { ...key, state, activatedAt: now }
  if (state === 'retiring') return { ...key, state, retiringAt: now }
  return { ...key, state, retiredAt: now }
}

function born(now: Instant): Pick<SigningKey, 'state' | 'createdAt' | 'activatedAt' | 'retiringAt' | 'retiredAt'> {
  return { state: 'next', createdAt: now, activatedAt: null, retiringAt: null, retiredAt: null }
}

/**
 * The schedule: what the ring should be at `now`. A pure function, so every node comes to the same answer; one
 * compare-and-set on the ring's version makes one of them win. Returns the ring itself when nothing is due.
 */
export function turnKeys(ring: KeyRing, now: Instant, policy: KeyPolicy, make: MakeSigningKey): KeyRing {
  const signing = turnSigning(ring.signing, now, policy, make)
  const refresh = turnRefresh(ring.refresh, now, policy)
  return signing === ring.signing && refresh === ring.refresh ? ring : { ...ring, signing, refresh }
}

function turnSigning(
  keys: readonly SigningKey[],
  now: Instant,
  policy: KeyPolicy,
  make: MakeSigningKey,
): readonly SigningKey[] {
  let turned: readonly SigningKey[] = expire(keys, now, policy.signingTailSeconds).map(dropPrivate)
  for (const algorithm of algorithmsOf(keys, policy)) turned = turnAlgorithm(turned, algorithm, { now, policy, make })
  return same(keys, turned) ? keys : turned
}

/** What the ring has keys for or should have. One that nobody names any more goes on: another node may still sign with it. */
function algorithmsOf(keys: readonly SigningKey[], policy: KeyPolicy): ReadonlySet<SigningAlgorithm> {
  return new Set([accessTokenAlgorithm, ...policy.algorithms, ...keys.map(key => key.alg)])
}

/** Each algorithm's keys turn by themselves: what happens to one delays and hurries none of another. */
function turnAlgorithm(
  keys: readonly SigningKey[],
  algorithm: SigningAlgorithm,
  { now, policy, make }: { now: Instant; policy: KeyPolicy; make: MakeSigningKey },
): readonly SigningKey[] {
  const own = keys.filter(key => key.alg === algorithm)
  const active = own.find(key => key.state === 'active')
  const next = own.find(key => key.state === 'next')
  const rotationDue = active === undefined || age(active.activatedAt, now) >= policy.rotationSeconds
  // Without an active key nothing can be signed: a young `next` is better than none.
  const nextIsReady =
    next !== undefined && (active === undefined || age(next.createdAt, now) >= policy.publishAheadSeconds)
  const fresh = (): SigningKey => ({ ...make(algorithm), ...born(now) })
  let turned = keys
  if (rotationDue && nextIsReady) turned = promoteAlgorithm(keys, algorithm, now)
  else if (active === undefined) turned = promoteAlgorithm([...keys, fresh()], algorithm, now)
  // There is always a `next`, published long before it is needed: an emergency finds it known everywhere.
  const hasNext = turned.some(key => key.alg === algorithm && key.state === 'next')
  return hasNext ? turned : [...turned, fresh()]
}

function turnRefresh(keys: readonly RefreshKey[], now: Instant, policy: KeyPolicy): readonly RefreshKey[] {
  let turned = expire(keys, now, policy.refreshTailSeconds)
  const active = turned.find(key => key.state === 'active')
  if (active === undefined || age(active.activatedAt, now) >= policy.refreshRotationSeconds) {
    const id = 1 + Math.max(0, ...turned.map(key => key.id))
    turned = promote([...turned, { id, ...born(now) }], now)
  }
  return same(keys, turned) ? keys : turned
}

function promoteAlgorithm(keys: readonly SigningKey[], algorithm: SigningAlgorithm, now: Instant): SigningKey[] {
  const promoted = promote(
    keys.filter(key => key.alg === algorithm),
    now,
  )
  return keys.map(key => promoted.find(one => one.kid === key.kid) ?? key)
}

/** `next` becomes `active`, `active` becomes `retiring`. */
function promote<K extends SigningKey | RefreshKey>(keys: readonly K[], now: Instant): K[] {
  return keys.map(key => {
    if (key.state === 'active') return moved(key, 'retiring', now)
    if (key.state === 'next') return moved(key, 'active', now)
    return key
  })
}

function expire<K extends SigningKey | RefreshKey>(keys: readonly K[], now: Instant, tailSeconds: number): K[] {
  return keys.map(key =>
    key.state === 'retiring' && age(key.retiringAt, now) >= tailSeconds ? moved(key, 'retired', now) : key,
  )
}

function dropPrivate(key: SigningKey): SigningKey {
  return key.state === 'retired' && key.sealedPrivate !== null ? { ...key, sealedPrivate: null } : key
}

function age(since: Instant | null, now: Instant): number {
  return since === null ? 0 : (now - since) / 1000
}

function same<T>(before: readonly T[], after: readonly T[]): boolean {
  return before.length === after.length && before.every((key, index) => key === after[index])
}

/**
 * `keys rotate`: the next signing key of every algorithm at once, without waiting for the schedule. One that is too young stays where
 * it is: some verifier may not have read it yet, and would refuse its tokens. `undefined` if all are. (The first two keys of an
 * algorithm were published together.)
 */
export function rotateNow(ring: KeyRing, now: Instant, policy: KeyPolicy, make: MakeSigningKey): KeyRing | undefined {
  const ready = ring.signing.filter(next => {
    const active = activeSigningKey(ring, next.alg)
    const isReady = next.createdAt === active?.createdAt || age(next.createdAt, now) >= policy.publishAheadSeconds
    return next.state === 'next' && isReady
  })
  if (ready.length === 0) return undefined
  const signing = ready.reduce<readonly SigningKey[]>((keys, { alg }) => promoteAlgorithm(keys, alg, now), ring.signing)
  return turnKeys({ ...ring, signing }, now, policy, make)
}

/** By hand: it has skipped `retiring` or broken it off, and what it signed is not waited for. */
function struckOut<K extends SigningKey | RefreshKey>(key: K, now: Instant): K {
  return { ...moved(key, 'retired', now), retiringAt: null }
}

/**
 * `keys retire`: an emergency. The key is dead at once, whatever it signed; the next one of its algorithm takes over if it was active.
 * `undefined` if there is no such key, or it is retired already.
 */
export function retireSigningKey(
  ring: KeyRing,
  kid: string,
  now: Instant,
  policy: KeyPolicy,
  make: MakeSigningKey,
): KeyRing | undefined {
  const key = ring.signing.find(one => one.kid === kid)
  if (key === undefined || key.state === 'retired') return undefined
  const signing = ring.signing.map(one => (one === key ? struckOut(one, now) : one))
  return turnKeys({ ...ring, signing }, now, policy, make)
}

/** The same for a refresh key: every refresh token made under it is refused from now on. */
export function retireRefreshKey(ring: KeyRing, id: number, now: Instant, policy: KeyPolicy): KeyRing | undefined {
  const key = ring.refresh.find(one => one.id === id)
  if (key === undefined || key.state === 'retired') return undefined
  const refresh = ring.refresh.map(one => (one === key ? struckOut(one, now) : one))
  return { ...ring, refresh: turnRefresh(refresh, now, policy) }
}
