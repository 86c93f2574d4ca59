import type { Client } from '@countersign/core'
import { createRecentMap } from '@countersign/store'
import { fetchJson } from '../outbound/fetch-json.ts'
import type { Outbound } from '../outbound/outbound.ts'

type Jwk = Readonly<Record<string, unknown>>

/** The public keys of clients: those of their rows, and those that they publish at an address of theirs (RFC 7591 §2, `jwks_uri`). */
export interface ClientKeys {
  /**
   * The keys that an assertion with this `kid` may be signed with; `undefined`: they cannot be fetched right now, and whether the client is who it says
   * cannot be told.
   */
  keysOf(client: Client, kid: unknown): Promise<readonly Jwk[] | undefined>
}

interface Published {
  readonly keys: readonly Jwk[] | undefined
  readonly fetchedAt: number
  /** When it was last tried, whether it worked or not. */
  readonly triedAt: number
}

/** So often may anybody who names the client make this server ask for its keys. */
const coolDownMs = 30_000
/** Then they are asked for again, so that a key that was taken back is not believed for ever. */
const freshMs = 300_000
/** While they cannot be fetched the last ones hold for so long. */
const staleMs = 3_600_000
const addressesAtMost = 1_000
const keysOfOneClientAtMost = 20

export function createClientKeys(outbound: Outbound, clock: () => number): ClientKeys {
  const known = createRecentMap<Published>(addressesAtMost)
  const fetching = new Map<string, Promise<Published>>()

  async function fetchKeys(uri: string, before: Published | undefined): Promise<Published> {
    const keys = readKeys((await fetchJson(outbound, uri))?.value)
    const triedAt = clock()
    const now = keys ? { keys, fetchedAt: triedAt, triedAt } : { keys: undefined, fetchedAt: 0, ...before, triedAt }
    known.set(uri, now)
    return now
  }

  /** Many who ask at once share one fetch. */
  async function fetchOnce(uri: string, before: Published | undefined): Promise<Published> {
    const running = fetching.get(uri) ?? fetchKeys(uri, before).finally(() => fetching.delete(uri))
    fetching.set(uri, running)
    return running
  }

  return {
    async keysOf(client, kid) {
      const { jwks, jwksUri } = client
      if (jwksUri === null) return jwks
      const now = clock()
      let published = known.get(jwksUri)
      const isFresh = published?.keys !== undefined && Math.abs(now - published.fetchedAt) < freshMs
      const isKnown = published?.keys?.some(jwk => kid === undefined || jwk.kid === undefined || jwk.kid === kid)
      const hasCooledDown = published === undefined || Math.abs(now - published.triedAt) >= coolDownMs
      if (hasCooledDown && !(isFresh && isKnown)) published = await fetchOnce(jwksUri, published)
      const holds = published !== undefined && Math.abs(now - published.fetchedAt) < staleMs
      return holds ? published?.keys : undefined
    },
  }
}

/** RFC 7517 §5. What cannot be used is passed over where a signature is checked. */
export function readKeys(document: unknown): readonly Jwk[] | undefined {
  const list = (document as { keys?: unknown } | null | undefined)?.keys
  if (!Array.isArray(list) || list.length > keysOfOneClientAtMost) return undefined
  return list.every(one => typeof one === 'object' && one !== null && !Array.isArray(one)) ? (list as Jwk[]) : undefined
}
