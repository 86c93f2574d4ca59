import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import {
  activeRefreshKey,
  activeSigningKey,
  deriveKey,
  type Instant,
  type KeyPolicy,
  type KeyRing,
  type MacKey,
  type MasterKey,
  type Mint,
  type NewSigningKey,
  namedEntry,
  type PublishedKey,
  publishedSigningKeys,
  type RandomBytes,
  type RefreshKeyMaterial,
  retireRefreshKey,
  retireSigningKey,
  rotateNow,
  seal,
  signerOf,
  turnKeys,
  unseal,
} from '@countersign/core'
import { accessTokenType, canonicalJson } from '@countersign/protocol'
import { type Store, StoreUnavailable } from '@countersign/store'
import type { Log } from '../log.ts'

/** Holds the keys of the ring ready for use, and turns them. */
export interface KeyKeeper {
  /** For minting access tokens. Throws `StoreUnavailable` if the ring has not been read for too long: a node that is cut off stops signing. */
  mint(): Mint
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
  readonly countersignKey: MacKey
  /** The public keys (RFC 7517 §5), as text. */
  jwks(): string
  ring(): KeyRing
  /** Reads the ring again. */
  read(): Promise<void>
  /** Reads the ring, and turns it if the schedule says so. */
  turn(): Promise<void>
  /** The next signing key at once; false if it was published too short a time ago. */
  rotate(): Promise<boolean>
  /** Retires a signing key (by `kid`) or refresh key (by number) at once; false if there is none. */
  retire(id: string): Promise<boolean>
}

export interface KeyKeeperOptions {
  readonly store: Store
  readonly master: MasterKey
  readonly issuer: string
  readonly policy: KeyPolicy
  readonly clock: () => Instant
  readonly random: RandomBytes
  readonly log: Log
}

/** The master key does not open what is in the store. */
export class WrongMasterKey extends Error {
  override readonly name = 'WrongMasterKey'
}

const stopsSigningAfterMs = 60_000
/** So many refresh keys may have been made since the backup. */
const forgottenKeysAtMost = 16

interface LoadedRing {
  readonly ring: KeyRing
  readonly mint: Mint
  readonly refreshKeys: ReadonlyMap<number, MacKey>
  readonly activeRefresh: RefreshKeyMaterial
  readonly published: ReadonlyMap<string, PublishedKey>
  readonly jwks: string
}

/** Opens the ring, or makes the first one. */
export async function createKeyKeeper(options: KeyKeeperOptions): Promise<KeyKeeper> {
  const { store, policy, clock, random, log } = options
  const sealingKey = deriveKey(options.master, 'key ring 1')
  const countersignKey = createSecretKey(deriveKey(options.master, 'countersign 1'))
  const make = (): NewSigningKey => makeSigningKey(sealingKey, random)
  let loaded: LoadedRing | undefined
  let readAt = clock()

  function load(ring: KeyRing): void {
    if (loaded?.ring.version !== ring.version) loaded = openRing(ring, { ...options, sealingKey, countersignKey })
    readAt = clock()
  }

  let reading: Promise<void> | undefined

  /** Many that ask at once share one look: tokens with key numbers out of the air cost the store next to nothing. */
  function read(): Promise<void> {
    reading ??= store
      .loadIssuer()
      .then(({ keyRing }) => load(keyRing))
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  /** Load, decide, commit, and again if another node was first. */
  async function change(
    decide: (ring: KeyRing, now: Instant) => KeyRing | undefined,
    retired?: string,
  ): Promise<boolean> {
    for (let tries = 0; tries < 10; tries++) {
      const { keyRing, now, issuer } = await store.loadIssuer()
      const turned = decide(keyRing, now)
      if (turned === undefined) return false
      if (turned === keyRing) {
        load(keyRing)
        return true
      }
      const outcome = await store.commit({
        writes: [{ table: 'keyRing', row: turned }],
        entries: retired === undefined ? [] : [namedEntry('key', retired, now, issuer)],
        audit: [
          retired === undefined
            ? { event: 'keys.turned', time: now, facts: { active: activeSigningKey(turned)?.kid ?? '' } }
            : { event: 'key.retired', time: now, facts: { key: retired } },
        ],
        durable: true,
        time: now,
      })
      if (outcome === 'committed') {
        // Not `read`: a look that began before the commit may be under way.
        load((await store.loadIssuer()).keyRing)
        const isFirst = activeSigningKey(keyRing) === undefined
        log.info({ active: activeSigningKey(turned)?.kid, retired }, isFirst ? 'keys made' : 'keys turned')
        return true
      }
    }
    throw new StoreUnavailable('The key ring is being changed by others all the time.')
  }

  const turn = async (): Promise<void> => void (await change((ring, now) => turnKeys(ring, now, policy, make)))
  await turn()

  function ready(): LoadedRing {
    if (loaded === undefined || clock() - readAt > stopsSigningAfterMs) {
      // After a sleep of the machine the next request need not wait for the job.
      read().catch(() => {})
      throw new StoreUnavailable('The key ring could not be read for too long.', { retryAfterSeconds: 1 })
    }
    return loaded
  }

  return {
    mint: () => ready().mint,
    activeRefreshKey: () => ready().activeRefresh,
    refreshKey: id => ready().refreshKeys.get(id),
    forgottenRefreshKey(id) {
      const newest = Math.max(...ready().ring.refresh.map(key => key.id))
      return id > newest && id <= newest + forgottenKeysAtMost ? refreshKeyOf(options.master, id) : undefined
    },
    published: kid => ready().published.get(kid),
    countersignKey,
    jwks: () => ready().jwks,
    ring: () => ready().ring,
    read,
    turn,
    rotate: () => change((ring, now) => rotateNow(ring, now, policy, make)),
    retire: id =>
      /^\d{1,5}$/.test(id)
        ? change((ring, now) => retireRefreshKey(ring, Number(id), now, policy), id)
        : change((ring, now) => retireSigningKey(ring, id, now, policy, make), id),
  }
}

function openRing(
  ring: KeyRing,
  options: KeyKeeperOptions & { sealingKey: Buffer; countersignKey: MacKey },
): LoadedRing {
  const active = activeSigningKey(ring)
  const activeRefresh = activeRefreshKey(ring)
  if (active === undefined || activeRefresh === undefined) throw new StoreUnavailable('The key ring has no active key.')
  const der = unseal(options.sealingKey, active.kid, active.sealedPrivate ?? '')
  if (der === undefined) {
    throw new WrongMasterKey('The master key does not open the keys in this store: it belongs to another one.')
  }
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const published = new Map<string, PublishedKey>()
  for (const { kid, alg, publicJwk } of publishedSigningKeys(ring)) {
    published.set(kid, { kid, alg, key: createPublicKey({ key: publicJwk, format: 'jwk' }) })
  }
  const refreshKeys = new Map<number, MacKey>()
  for (const key of ring.refresh) {
    if (key.state !== 'retired') refreshKeys.set(key.id, refreshKeyOf(options.master, key.id))
  }
  const { issuer, countersignKey, random } = options
  return {
    ring,
    mint: { issuer, countersignKey, random, signer: signerOf(active.kid, active.alg, privateKey, accessTokenType) },
    refreshKeys,
    activeRefresh: { id: activeRefresh.id, key: refreshKeys.get(activeRefresh.id) as MacKey },
    published,
    jwks: JSON.stringify({
      keys: publishedSigningKeys(ring).map(({ kid, alg, publicJwk }) => ({ ...publicJwk, kid, alg, use: 'sig' })),
    }),
  }
}

/** Derived from the master key by its number: nothing of it is stored. */
function refreshKeyOf(master: MasterKey, id: number): MacKey {
  return createSecretKey(deriveKey(master, `refresh key ${id}`))
}

function makeSigningKey(sealingKey: Buffer, random: RandomBytes): NewSigningKey {
  const { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
  })
  const publicJwk = publicKey.export({ format: 'jwk' }) as Record<string, string>
  // RFC 7638: the thumbprint of the required members, in order.
  const kid = createHash('sha256').update(canonicalJson(publicJwk)).digest('base64url')
  const der = privateKey.export({ format: 'der', type: 'pkcs8' })
  return { kid, alg: 'ES256', publicJwk, sealedPrivate: seal(sealingKey, kid, der, random) }
}
