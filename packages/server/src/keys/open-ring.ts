import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import {
  accessTokenAlgorithm,
  activeRefreshKey,
  activeSigningKey,
  deriveKey,
  type KeyRing,
  type MacKey,
  type MasterKey,
  type Mint,
  type PublishedKey,
  publishedSigningKeys,
  type RandomBytes,
  type RefreshKeyMaterial,
  type SigningAlgorithm,
  type SigningKey,
  signerOf,
  signingAlgorithms,
  unseal,
} from '@countersign/core'
import { type AccessTokenClaims, accessTokenType } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import { type TokenCache, tokenCache } from '@countersign/verify'

/** The master key does not open what is in the store. */
export class WrongMasterKey extends Error {
  override readonly name = 'WrongMasterKey'
}

/** A ring whose keys are ready for use. */
export interface OpenedRing {
  readonly ring: KeyRing
  readonly mint: Mint
  readonly active: ReadonlyMap<SigningAlgorithm, { readonly kid: string; readonly key: KeyObject }>
  readonly refreshKeys: ReadonlyMap<number, MacKey>
  readonly activeRefresh: RefreshKeyMaterial
  readonly published: ReadonlyMap<string, PublishedKey>
  /** By their id. They check access tokens and nothing else: who shares one could make the rest. */
  readonly shared: ReadonlyMap<string, SharedKey>
  readonly jwks: string
  /** Tokens that were opened under this ring: what another ring says of their keys is asked anew. */
  readonly opened: TokenCache<OpenedToken>
}

/** A secret that is shared with an API, as a key. */
export interface SharedKey extends PublishedKey {
  readonly audience: string
  readonly isPrimary: boolean
  readonly secret: Buffer
}

interface OpenedToken {
  readonly token: string
  readonly bytes: number
  readonly claims: AccessTokenClaims
}

/** Some four thousand tokens. Only who has one of ours gets anything in. */
const openedBytesAtMost = 8 * 2 ** 20

/** What a ring is opened with. */
export interface RingOpening {
  readonly issuer: string
  readonly master: MasterKey
  readonly sealingKey: MacKey
  readonly countersignKey: MacKey
  readonly random: RandomBytes
}

/** Throws `WrongMasterKey` if it was sealed under another one, and `StoreUnavailable` if it has no active key. */
export function openRing(ring: KeyRing, options: RingOpening): OpenedRing {
  const active = new Map(
    signingAlgorithms.flatMap(alg => {
      const key = activeSigningKey(ring, alg)
      return key ? [[alg, { kid: key.kid, key: openPrivate(key, options.sealingKey) }]] : []
    }),
  )
  const forAccessTokens = active.get(accessTokenAlgorithm)
  const activeRefresh = activeRefreshKey(ring)
  if (forAccessTokens === undefined || activeRefresh === undefined)
    throw new StoreUnavailable('The key ring has no active key.')
  const published = new Map(publishedSigningKeys(ring).map(key => [key.kid, publicKeyOf(key)]))
  const refreshKeys = new Map<number, MacKey>()
  for (const key of ring.refresh) {
    if (key.state !== 'retired') refreshKeys.set(key.id, refreshKeyOf(options.master, key.id))
  }
  const { issuer, countersignKey, random } = options
  return {
    ring,
    mint: {
      issuer,
      countersignKey,
      random,
      signer: signerOf(forAccessTokens.kid, accessTokenAlgorithm, forAccessTokens.key, accessTokenType),
    },
    active,
    refreshKeys,
    activeRefresh: { id: activeRefresh.id, key: refreshKeys.get(activeRefresh.id) as MacKey },
    published,
    shared: openShared(ring, options.master),
    opened: tokenCache(openedBytesAtMost),
    jwks: JSON.stringify({
      keys: publishedSigningKeys(ring).map(({ kid, alg, publicJwk }) => ({ ...publicJwk, kid, alg, use: 'sig' })),
    }),
  }
}

function openShared({ secrets = [] }: KeyRing, master: MasterKey): ReadonlyMap<string, SharedKey> {
  const living = secrets.filter(({ state }) => state !== 'retired')
  return new Map(
    living.map(({ kid, audience, state }) => {
      const key = deriveKey(master, 'shared secret 1', Buffer.from(JSON.stringify([audience, kid])))
      return [kid, { kid, alg: 'HS256', key, audience, secret: key.export(), isPrimary: state === 'active' }]
    }),
  )
}

/** Derived from the master key by its number: nothing of it is stored. */
export function refreshKeyOf(master: MasterKey, id: number): MacKey {
  return deriveKey(master, `refresh key ${id}`)
}

/** A key that served its time, by whichever policy there was then. What was retired by hand was never `retiring`, or is said not to have been. */
export function formerKey(ring: KeyRing, kid: string): PublishedKey | undefined {
  const key = ring.signing.find(one => one.kid === kid)
  return key === undefined || key.retiringAt === null || key.retiredAt === null ? undefined : publicKeyOf(key)
}

function publicKeyOf({ kid, alg, publicJwk }: SigningKey): PublishedKey {
  return { kid, alg, key: createPublicKey({ key: publicJwk, format: 'jwk' }) }
}

function openPrivate(key: SigningKey, sealingKey: MacKey): KeyObject {
  const der = unseal(sealingKey, key.kid, key.sealedPrivate ?? '')
  if (der === undefined) {
    throw new WrongMasterKey('The master key does not open the keys in this store: it belongs to another one.')
  }
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}
