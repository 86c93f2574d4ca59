import type { Client } from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'

/**
 * Origins and names of all clients, for CORS and pages; read again after a while. Never used for authentication. While the
 * store is away the last reading goes on, so that a browser's app may read that it is.
 */
export interface ClientDirectory {
  isClientOrigin(origin: string): Promise<boolean>
  nameOf(clientId: string): Promise<string>
  knows(clientId: string): Promise<boolean>
  /** Forget what is remembered: a client was changed. */
  changed(): void
}

export function createClientDirectory(store: Store, clock: () => number, freshMs = 5_000): ClientDirectory {
  let known: Directory | undefined
  let reading: Promise<Directory> | undefined

  async function read(): Promise<Directory> {
    try {
      const clients = await store.listClients()
      const origins = new Set(clients.filter(client => !client.disabled).flatMap(originsOf))
      known = { names: new Map(clients.map(({ id, name }) => [id, name])), origins, time: clock() }
      return known
    } catch (error) {
      if (known !== undefined && error instanceof StoreUnavailable) return known
      throw error
    } finally {
      reading = undefined
    }
  }

  async function current(): Promise<Directory> {
    if (known !== undefined && Math.abs(clock() - known.time) <= freshMs) return known
    reading ??= read()
    return reading
  }

  return {
    isClientOrigin: async origin => (await current()).origins.has(origin),
    nameOf: async clientId => (await current()).names.get(clientId) ?? clientId,
    knows: async clientId => (await current()).names.has(clientId),
    changed: () => {
      known = undefined
    },
  }
}

interface Directory {
  readonly names: ReadonlyMap<string, string>
  readonly origins: ReadonlySet<string>
  readonly time: number
}

/** Only web origins: a private scheme has none. */
function originsOf(client: Client): string[] {
  return client.redirectUris.filter(uri => /^https?:/.test(uri) && URL.canParse(uri)).map(uri => new URL(uri).origin)
}
