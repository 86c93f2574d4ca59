import type { Instant } from '../ids.ts'
import {
  accessTokenAlgorithm,
  activeSharedSecret,
  activeSigningKey,
  type KeyPolicy,
  type KeyRing,
  type KeyState,
  type RefreshKey,
  type SharedSecret,
  type SigningAlgorithm,
  type SigningKey,
} from './key-ring.ts'

/** A fresh signing key, as its maker hands it over: the ring decides its state and times. */
export type NewSigningKey = Pick<SigningKey, 'kid' | 'alg' | 'publicJwk' | 'sealedPrivate'>

export type MakeSigningKey = (algorithm: SigningAlgorithm) => NewSigningKey

type AnyKey = SigningKey | RefreshKey | SharedSecret

/** Where a move puts a key's life. */
function moved<K extends AnyKey>(key: K, state: KeyState, now: Instant): K {
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
  const secrets = turnSecrets(ring.secrets ?? [], now, policy)
  const isSame = signing === ring.signing && refresh === ring.refresh && same(ring.secrets ?? [], secrets)
  return isSame ? ring : { ...ring, signing, refresh, ...(secrets.length > 0 && { secrets }) }
}

function turnSigning(
  keys: readonly SigningKey[],
  now: Instant,
  policy: KeyPolicy,
  make: MakeSigningKey,
): readonly SigningKey[] {
  let turned: readonly SigningKey[] = expire(keys, now, policy.signingTailSeconds).map(dropPrivate)
  for (const algorithm of algorithmsOf(keys, policy)) {
    const fresh = (): SigningKey => ({ ...make(algorithm), ...born(now) })
    turned = turnSeries(turned, { isOwn: isOf(algorithm), fresh, now, policy })
  }
  return same(keys, turned) ? keys : turned
}

/** What the ring has keys for or should have. One that nobody names any more goes on: another node may still sign with it. */
function algorithmsOf(keys: readonly SigningKey[], policy: KeyPolicy): ReadonlySet<SigningAlgorithm> {
  return new Set([accessTokenAlgorithm, ...policy.algorithms, ...keys.map(key => key.alg)])
}

const isOf =
  (algorithm: SigningAlgorithm) =>
  ({ alg }: SigningKey): boolean =>
    alg === algorithm

const isWith =
  (audience: string) =>
  (secret: SharedSecret): boolean =>
    secret.audience === audience

/** Each API has secrets of its own. */
function turnSecrets(secrets: readonly SharedSecret[], now: Instant, policy: KeyPolicy): readonly SharedSecret[] {
  let turned: readonly SharedSecret[] = expire(secrets, now, policy.signingTailSeconds)
  for (const audience of new Set([...(policy.secretAudiences ?? []), ...secrets.map(secret => secret.audience)])) {
    // With the time: after an old backup was restored, no name is given twice, and so no secret made that may have leaked.
    const fresh = (all: readonly SharedSecret[]): SharedSecret => ({
      kid: `hs-${all.length + 1}-${now.toString(36)}`,
      audience,
      ...born(now),
    })
    turned = turnSeries(turned, { isOwn: isWith(audience), fresh, now, policy })
  }
  return turned
}

/** Keys that follow one another: what is signed with one of them can be checked with the others of its series alone. */
interface Series<K> {
  readonly isOwn: (key: K) => boolean
  /** The next one, beside all that there are. */
  readonly fresh: (keys: readonly K[]) => K
  readonly now: Instant
  readonly policy: KeyPolicy
}

/** Each series turns by itself: what happens to one delays and hurries none of another. */
function turnSeries<K extends SigningKey | SharedSecret>(
  keys: readonly K[],
  { isOwn, fresh, now, policy }: Series<K>,
): readonly K[] {
  const own = keys.filter(isOwn)
  const active = own.find(key => key.state === 'active')
  const next = own.find(key => key.state === 'next')
  const rotationDue = active === undefined || age(active.activatedAt, now) >= policy.rotationSeconds
  // Without an active key nothing can be signed: a young `next` is better than none.
  const nextIsReady =
    next !== undefined && (active === undefined || age(next.createdAt, now) >= policy.publishAheadSeconds)
  let turned = keys
  if (rotationDue && nextIsReady) turned = promoteSeries(keys, isOwn, now)
  else if (active === undefined) turned = promoteSeries([...keys, fresh(keys)], isOwn, now)
  // There is always a `next`, published long before it is needed: an emergency finds it known everywhere.
  const hasNext = turned.some(key => isOwn(key) && key.state === 'next')
  return hasNext ? turned : [...turned, fresh(turned)]
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

function promoteSeries<K extends SigningKey | SharedSecret>(
  keys: readonly K[],
  isOwn: (key: K) => boolean,
  now: Instant,
): readonly K[] {
  const promoted = promote(keys.filter(isOwn), now)
  return keys.map(key => promoted.find(one => one.kid === key.kid) ?? key)
}

/** `next` becomes `active`, `active` becomes `retiring`. */
function promote<K extends AnyKey>(keys: readonly K[], now: Instant): K[] {
  return keys.map(key => {
    if (key.state === 'active') return moved(key, 'retiring', now)
    if (key.state === 'next') return moved(key, 'active', now)
    return key
  })
}

function expire<K extends AnyKey>(keys: readonly K[], now: Instant, tailSeconds: number): K[] {
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
 * `keys rotate`: the next signing key of every algorithm and the next secret of every API at once, without waiting for the schedule. One that is too young stays where
 * it is: some verifier may not have read it yet, and would refuse its tokens. `undefined` if all are. (The first two keys of an
 * algorithm were published together.)
 */
export function rotateNow(ring: KeyRing, now: Instant, policy: KeyPolicy, make: MakeSigningKey): KeyRing | undefined {
  const isReady = (next: SigningKey | SharedSecret, active: SigningKey | SharedSecret | undefined): boolean => {
    const isKnown = next.createdAt === active?.createdAt || age(next.createdAt, now) >= policy.publishAheadSeconds
    return next.state === 'next' && isKnown
  }
  const secrets = ring.secrets ?? []
  const ready = ring.signing.filter(next => isReady(next, activeSigningKey(ring, next.alg)))
  const readySecrets = secrets.filter(next => isReady(next, activeSharedSecret(ring, next.audience)))
  if (ready.length + readySecrets.length === 0) return undefined
  const rotated: KeyRing = {
    ...ring,
    signing: ready.reduce((keys, { alg }) => promoteSeries(keys, isOf(alg), now), ring.signing),
    ...(ring.secrets && {
      secrets: readySecrets.reduce((keys, { audience }) => promoteSeries(keys, isWith(audience), now), secrets),
    }),
  }
  return turnKeys(rotated, now, policy, make)
}

/** By hand: it has skipped `retiring` or broken it off, and what it signed is not waited for. */
function struckOut<K extends AnyKey>(key: K, now: Instant): K {
  return { ...moved(key, 'retired', now), retiringAt: null }
}

/**
 * `keys retire`: an emergency. The signing key or shared secret is dead at once, whatever it signed; the next one takes over if it was
 * active. `undefined` if there is no such key, or it is retired already.
 */
export function retireSigningKey(
  ring: KeyRing,
  kid: string,
  now: Instant,
  policy: KeyPolicy,
  make: MakeSigningKey,
): KeyRing | undefined {
  const all = [...ring.signing, ...(ring.secrets ?? [])]
  if (!all.some(one => one.kid === kid && one.state !== 'retired')) return undefined
  const struck = <K extends SigningKey | SharedSecret>(one: K): K => (one.kid === kid ? struckOut(one, now) : one)
  const secrets = ring.secrets && { secrets: ring.secrets.map(struck) }
  return turnKeys({ ...ring, signing: ring.signing.map(struck), ...secrets }, now, policy, make)
}

/** The same for a refresh key: every refresh token made under it is refused from now on. */
export function retireRefreshKey(ring: KeyRing, id: number, now: Instant, policy: KeyPolicy): KeyRing | undefined {
  const key = ring.refresh.find(one => one.id === id)
  if (key === undefined || key.state === 'retired') return undefined
  const refresh = ring.refresh.map(one => (one === key ? struckOut(one, now) : one))
  return { ...ring, refresh: turnRefresh(refresh, now, policy) }
}
