import { createRecentMap, type Store, StoreUnavailable } from '@countersign/store'

/**
 * Which web origins clients have, for CORS, and what clients are called, for pages. Never used for authentication. There may be very many clients, so nothing is
 * listed: what is asked for is looked up, and an origin that is known stays so for a while. With the store away an origin that was known goes on, so that a
 * browser's app may read that the store is away.
 */
export interface ClientDirectory {
  /** A redirect URI at a loopback address without a port is meant for any port (RFC 8252 §7.3), and so is its origin. */
  isClientOrigin(origin: string): Promise<boolean>
  nameOf(clientId: string): Promise<string>
  knows(clientId: string): Promise<boolean>
}

const freshMs = 5_000
const originsAtMost = 10_000

export function createClientDirectory(store: Store, clock: () => number): ClientDirectory {
  /** Known origins, and when they were looked up. */
  const known = createRecentMap<number>(originsAtMost)
  const looking = new Map<string, Promise<boolean>>()

  async function look(origin: string): Promise<boolean> {
    try {
      const anyPort = originOfAnyPort(origin)
      const isKnown =
        (await store.knowsWebOrigin(origin)) || (anyPort !== undefined && (await store.knowsWebOrigin(anyPort)))
      if (isKnown) known.set(origin, clock())
      else known.delete(origin)
      return isKnown
    } catch (error) {
      if (known.get(origin) !== undefined && error instanceof StoreUnavailable) return true
      throw error
    } finally {
      looking.delete(origin)
    }
  }

  return {
    async isClientOrigin(origin) {
      const lookedAt = known.get(origin)
      if (lookedAt !== undefined && Math.abs(clock() - lookedAt) <= freshMs) return true
      const running = looking.get(origin) ?? look(origin)
      looking.set(origin, running)
      return running
    },
    nameOf: async clientId => (await store.loadClient(clientId))?.client.name ?? clientId,
    knows: async clientId => (await store.loadClient(clientId)) !== undefined,
  }
}

/** `http://127.0.0.1` of `http://127.0.0.1:49152`; `undefined` for all others. */
function originOfAnyPort(origin: string): string | undefined {
  return /^(http:\/\/(?:127\.0\.0\.1|\[::1\])):\d{1,5}$/.exec(origin)?.[1]
}
