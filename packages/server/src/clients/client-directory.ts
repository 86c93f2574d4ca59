import type { Client } from '@countersign/core'
import type { Store } from '@countersign/store'

/** Origins and names of all clients, for CORS and pages; read again after a while. Never used for authentication. */
export interface ClientDirectory {
  isClientOrigin(origin: string): Promise<boolean>
  nameOf(clientId: string): Promise<string>
  /** Forget what is remembered: a client was changed. */
  changed(): void
}

export function createClientDirectory(store: Store, clock: () => number, freshMs = 5_000): ClientDirectory {
  let known: { clients: readonly Client[]; origins: ReadonlySet<string>; time: number } | undefined
  async function current(): Promise<NonNullable<typeof known>> {
    if (known === undefined || clock() - known.time > freshMs) {
      const clients = await store.listClients()
      known = { clients, origins: new Set(clients.flatMap(originsOf)), time: clock() }
    }
    return known
  }
  return {
    isClientOrigin: async origin => (await current()).origins.has(origin),
    nameOf: async clientId => (await current()).clients.find(client => client.id === clientId)?.name ?? clientId,
    changed: () => {
      known = undefined
    },
  }
}

/** Only web origins: a private scheme has none. */
function originsOf(client: Client): string[] {
  return client.redirectUris.filter(uri => /^https?:/.test(uri) && URL.canParse(uri)).map(uri => new URL(uri).origin)
}
