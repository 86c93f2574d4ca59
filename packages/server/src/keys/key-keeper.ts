import { isDeepStrictEqual } from 'node:util'
import {
  activeSigningKey,
  deriveKey,
  type Instant,
  type KeyPolicy,
  type KeyRing,
  type MacKey,
  type MasterKey,
  type Mint,
  newlyActive,
  openAccessToken,
  type PublishedKey,
  type RandomBytes,
  type RefreshKeyMaterial,
  retireRefreshKey,
  retireSigningKey,
  rotateNow,
  type Signer,
  type SigningAlgorithm,
  signerOf,
  turnKeys,
} from '@countersign/core'
import { type AccessTokenClaims, accessTokenType } from '@countersign/protocol'
import { type KeyRingPlace, StoreUnavailable } from '@countersign/store'
import type { Log } from '../log.ts'
import { type DecideRing, decideWithKeys } from './decide-with-keys.ts'
import { formerKey, type OpenedRing, openRing, refreshKeyOf, type SharedKey } from './open-ring.ts'
import { tellingLoad } from './telling-load.ts'

/** Holds the keys of the ring ready for use, and turns them. */
export interface KeyKeeper {
  /** For minting access tokens. Throws `StoreUnavailable` if the ring has not been read for too long: a node that is cut off stops signing. */
  mint(): Mint
  /** For other tokens that we sign; `typ` is their kind (RFC 8725 §3.11). Throws `StoreUnavailable` as `mint` does, and if there is no key (`want` makes one). */
  signer(algorithm: SigningAlgorithm, typ: string): Signer
  /** For minting access tokens that one API alone reads, which has a secret in common with us (HS256). Throws as `mint` does. */
  mintFor(audience: string): Mint
  /** The secrets that an API should know: the primary one, and those that were it, or will be. */
  sharedSecrets(audience: string): readonly OpenSharedSecret[]
  /** Resolves once there is a key of this algorithm; made now if there was none. */
  want(algorithm: SigningAlgorithm): Promise<void>
  /** For making refresh tokens. */
  activeRefreshKey(): RefreshKeyMaterial
  /** For reading one; `undefined` if this node does not know the number (`read` may help), or it is retired. */
  refreshKey(id: number): MacKey | undefined
  /**
   * A key beyond the newest of the ring: a store that went back to an old backup has forgotten it, and what it made is
   * still ours. To be asked after `read`; `undefined` for numbers of the ring, and for those far from it.
   */
  forgottenRefreshKey(id: number): MacKey | undefined
  /** For checking access tokens of our own. */
  published(kid: string): PublishedKey | undefined
  /** For reading what may have been signed long ago: keys too that the schedule has retired, but none that was retired by hand. */
  everPublished(kid: string): PublishedKey | undefined
  /** The claims of an access token of ours, a JWT that bears the signature of a published key and the countersign. Whether it still stands is for the caller to judge. */
  openAccessToken(token: string): AccessTokenClaims | undefined
  /** The public keys (RFC 7517 §5), as text. */
  jwks(): string
  ring(): KeyRing
  /** Since the ring was read, in milliseconds. A node that could not read it for too long stops signing. */
  ringAge(): number
  /** Reads the ring again. */
  read(): Promise<void>
  /** Reads the ring, and turns it if the schedule says so. */
  turn(): Promise<void>
  /** The next signing keys at once; false if all were published too short a time ago. */
  rotate(): Promise<boolean>
  /** Retires a signing key (by `kid`) or refresh key (by number) at once; false if there is none. */
  retire(id: string): Promise<boolean>
  /** Listens no more for rings of other nodes. */
  close(): void
}

export interface KeyKeeperOptions {
  readonly place: KeyRingPlace
  readonly master: MasterKey
  readonly issuer: string
  readonly policy: KeyPolicy
  readonly clock: () => Instant
  /** Milliseconds that nobody sets. Default: the process's. */
  readonly monotonic?: () => number
  readonly random: RandomBytes
  readonly log: Log
  /** Default: true. False: a ring that is there is only read, by whoever may have another policy than those who turn it. */
  readonly turnsAtOpening?: boolean
}

/** A secret that is shared with an API, as it is told to it. */
export interface OpenSharedSecret {
  readonly kid: string
  readonly secret: Buffer
  readonly isPrimary: boolean
}

/** For so long a node goes on with the ring that it has read. */
export const ringTrustedSeconds = 60
/** So long after its look a decision is committed at most: the times in it would not be true. */
const decidedWithinMs = 10_000
/** So many refresh keys may have been made since the backup. */
const forgottenKeysAtMost = 16
/** What the claims of an opened token take, besides its own letters. */
const claimsBytes = 1_024

/** Opens the ring, or makes the first one. */
export async function createKeyKeeper(options: KeyKeeperOptions): Promise<KeyKeeper> {
  const { place, policy, clock, monotonic = () => performance.now(), random, log } = options
  const load = tellingLoad(place, log, ringTrustedSeconds)
  const sealingKey = deriveKey(options.master, 'key ring 1')
  const countersignKey = deriveKey(options.master, 'countersign 1')
  let loaded: OpenedRing | undefined
  const present = () => ({ wall: clock(), monotonic: monotonic() })
  let readAt = present()

  /** By whichever clock says more: one stands still while the machine sleeps, the other may be set back. */
  function passedSince(then: ReturnType<typeof present>): number {
    const now = present()
    return Math.max(now.wall - then.wall, now.monotonic - then.monotonic)
  }

  let looks = 0
  let heldLook = 0

  /** When it is asked for counts, by the clocks and among others: an answer may be long under way, or the process stand still. */
  function beginLook(): (ring: KeyRing) => void {
    const [since, number] = [present(), ++looks]
    return ring => {
      if (number < heldLook) return
      if (!isDeepStrictEqual(loaded?.ring, ring)) loaded = openRing(ring, { ...options, sealingKey, countersignKey })
      readAt = since
      heldLook = number
    }
  }

  async function look(): Promise<void> {
    const hold = beginLook()
    hold((await load()).keyRing)
  }

  let looking: Promise<void> | undefined
  let nextLook: Promise<void> | undefined

  /**
   * A look that begins now, or when the one that is under way has ended: that one may not see what it is asked for. Many that ask at once share
   * one: tokens with key numbers out of the air cost next to nothing.
   */
  function read(): Promise<void> {
    if (looking === undefined) {
      looking = look().finally(() => {
        looking = undefined
      })
      return looking
    }
    const go = (): Promise<void> => {
      nextLook = undefined
      return read()
    }
    nextLook ??= looking.then(go, go)
    return nextLook
  }

  /** Load, decide, commit, and again if another node was first. */
  async function change(decide: DecideRing, retired?: string): Promise<boolean> {
    for (let tries = 0; tries < 10; tries++) {
      const since = present()
      const hold = beginLook()
      const there = await load()
      const { keyRing, now } = there
      const turned = await decideWithKeys(make => decide(keyRing, now, make), { sealingKey, random })
      if (turned === undefined) return false
      if (turned === keyRing) {
        hold(keyRing)
        return true
      }
      // The process, or its machine, may have stood still: nobody has seen the next key meanwhile, and others have gone on with the one of before.
      if (passedSince(since) > decidedWithinMs) continue
      if ((await place.commit(there, turned)) === 'committed') {
        await look()
        const isFirst = activeSigningKey(keyRing) === undefined
        log.info({ active: newlyActive(keyRing, turned), retired }, isFirst ? 'keys made' : 'keys turned')
        return true
      }
    }
    throw new StoreUnavailable('The key ring cannot be changed in time: others change it, or it is slow.')
  }

  const turn = async (): Promise<void> => void (await change((ring, now, make) => turnKeys(ring, now, policy, make)))
  async function open(): Promise<void> {
    const isOnlyRead = options.turnsAtOpening === false && activeSigningKey((await load()).keyRing) !== undefined
    await (isOnlyRead ? look() : turn())
  }
  // A look that fails is made again by the job that turns the keys.
  const stopWatching = place.watch(() => void read().catch(() => {}))
  await open().catch((error: unknown) => {
    stopWatching()
    throw error
  })
  const wanting = new Map<SigningAlgorithm, Promise<unknown>>()

  /** Many that ask at once wait for the same key. */
  async function want(algorithm: SigningAlgorithm): Promise<void> {
    if (ready().active.has(algorithm)) return
    const more = { ...policy, algorithms: [...policy.algorithms, algorithm] }
    const making =
      wanting.get(algorithm) ??
      change((ring, now, make) => turnKeys(ring, now, more, make)).finally(() => wanting.delete(algorithm))
    wanting.set(algorithm, making)
    await making
  }

  const ringAge = (): number => passedSince(readAt)

  function ready(): OpenedRing {
    if (loaded === undefined || ringAge() > ringTrustedSeconds * 1000) {
      // After a sleep of the machine the next request need not wait for the job.
      read().catch(() => {})
      throw new StoreUnavailable('The key ring could not be read for too long.', { retryAfterSeconds: 1 })
    }
    return loaded
  }

  const sharedWith = (audience: string): readonly SharedKey[] =>
    [...ready().shared.values()].filter(one => one.audience === audience)

  return {
    mint: () => ready().mint,
    signer(algorithm, typ) {
      const key = ready().active.get(algorithm)
      if (key === undefined) throw new StoreUnavailable('There is no key of this algorithm yet.')
      return signerOf(key.kid, algorithm, key.key, typ)
    },
    mintFor(audience) {
      const { mint } = ready()
      const primary = sharedWith(audience).find(one => one.isPrimary)
      if (primary === undefined) throw new StoreUnavailable('There is no secret for this API yet.')
      return { ...mint, signer: signerOf(primary.kid, 'HS256', primary.key, accessTokenType) }
    },
    sharedSecrets: sharedWith,
    want,
    activeRefreshKey: () => ready().activeRefresh,
    refreshKey: id => ready().refreshKeys.get(id),
    forgottenRefreshKey(id) {
      const newest = Math.max(...ready().ring.refresh.map(key => key.id))
      return id > newest && id <= newest + forgottenKeysAtMost ? refreshKeyOf(options.master, id) : undefined
    },
    published: kid => ready().published.get(kid),
    everPublished: kid => ready().published.get(kid) ?? formerKey(ready().ring, kid),
    openAccessToken(token) {
      const { opened, published, shared } = ready()
      const known = opened.get(token)
      if (known !== undefined) return known.claims
      const claims = openAccessToken(token, kid => published.get(kid) ?? shared.get(kid), countersignKey)?.claims
      if (claims !== undefined) opened.set({ token, bytes: token.length + claimsBytes, claims: Object.freeze(claims) })
      return claims
    },
    jwks: () => ready().jwks,
    ring: () => ready().ring,
    ringAge,
    read,
    turn,
    rotate: () => change((ring, now, make) => rotateNow(ring, now, policy, make)),
    retire: id =>
      /^\d{1,5}$/.test(id)
        ? change((ring, now) => retireRefreshKey(ring, Number(id), now, policy), id)
        : change((ring, now, make) => retireSigningKey(ring, id, now, policy, make), id),
    close: stopWatching,
  }
}
