import type { Instant } from '../ids.ts'
import type { KeyPolicy, KeyRing, KeyState, RefreshKey, SigningKey } from './key-ring.ts'

/** A fresh signing key, as its maker hands it over: the ring decides its state and times. */
export type NewSigningKey = Pick<SigningKey, 'kid' | 'alg' | 'publicJwk' | 'sealedPrivate'>

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
export function turnKeys(ring: KeyRing, now: Instant, policy: KeyPolicy, make: () => NewSigningKey): KeyRing {
  const signing = turnSigning(ring.signing, now, policy, make)
  const refresh = turnRefresh(ring.refresh, now, policy)
  return signing === ring.signing && refresh === ring.refresh ? ring : { ...ring, signing, refresh }
}

function turnSigning(
  keys: readonly SigningKey[],
  now: Instant,
  policy: KeyPolicy,
  make: () => NewSigningKey,
): readonly SigningKey[] {
  let turned = expire(keys, now, policy.signingTailSeconds).map(dropPrivate)
  const active = turned.find(key => key.state === 'active')
  const next = turned.find(key => key.state === 'next')
  const rotationDue = active === undefined || age(active.activatedAt, now) >= policy.rotationSeconds
  // Without an active key nothing can be signed: a young `next` is better than none.
  const nextIsReady =
    next !== undefined && (active === undefined || age(next.createdAt, now) >= policy.publishAheadSeconds)
  if (rotationDue && nextIsReady) turned = promote(turned, now)
  else if (active === undefined) turned = promote([...turned, { ...make(), ...born(now) }], now)
  // There is always a `next`, published long before it is needed: an emergency finds it known everywhere.
  if (!turned.some(key => key.state === 'next')) turned = [...turned, { ...make(), ...born(now) }]
  return same(keys, turned) ? keys : turned
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
 * `keys rotate`: the next signing key at once, without waiting for the schedule. `undefined` while the next one is too young: some
 * verifier may not have read it yet, and would refuse its tokens. (The first two keys were published together.)
 */
export function rotateNow(
  ring: KeyRing,
  now: Instant,
  policy: KeyPolicy,
  make: () => NewSigningKey,
): KeyRing | undefined {
  const next = ring.signing.find(key => key.state === 'next')
  const active = ring.signing.find(key => key.state === 'active')
  const bornTogether = next !== undefined && next.createdAt === active?.createdAt
  if (next === undefined || (!bornTogether && age(next.createdAt, now) < policy.publishAheadSeconds)) return undefined
  return turnKeys({ ...ring, signing: promote(ring.signing, now) }, now, policy, make)
}

/**
 * `keys retire`: an emergency. The key is dead at once, whatever it signed; the next one takes over if it was active.
 * `undefined` if there is no such key, or it is retired already.
 */
export function retireSigningKey(
  ring: KeyRing,
  kid: string,
  now: Instant,
  policy: KeyPolicy,
  make: () => NewSigningKey,
): KeyRing | undefined {
  const key = ring.signing.find(one => one.kid === kid)
  if (key === undefined || key.state === 'retired') return undefined
  const signing = ring.signing.map(one => (one === key ? moved(one, 'retired', now) : one))
  return turnKeys({ ...ring, signing }, now, policy, make)
}

/** The same for a refresh key: every refresh token made under it is refused from now on. */
export function retireRefreshKey(ring: KeyRing, id: number, now: Instant, policy: KeyPolicy): KeyRing | undefined {
  const key = ring.refresh.find(one => one.id === id)
  if (key === undefined || key.state === 'retired') return undefined
  const refresh = ring.refresh.map(one => (one === key ? moved(one, 'retired', now) : one))
  return { ...ring, refresh: turnRefresh(refresh, now, policy) }
}
