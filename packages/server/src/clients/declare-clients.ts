import type { Client } from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'

const triesAtMost = 10

/**
 * Makes the stored clients what the configuration says, and notes the longest access token that any of them can get: so
 * long must entries of the feed be kept.
 */
export async function declareClients(store: Store, declared: readonly Client[]): Promise<void> {
  for (const client of declared) await again(() => declareOne(store, client))
  const longest = Math.max(0, ...declared.map(client => client.lifetimes.accessTokenSeconds))
  await again(() => raiseLongestLifetime(store, longest))
}

async function declareOne(store: Store, declared: Client): Promise<boolean> {
  const stored = (await store.loadClient(declared.id))?.client
  const { now } = await store.loadIssuer()
  const row = stored ? { ...declared, epoch: stored.epoch, version: stored.version } : declared
  if (stored && JSON.stringify(row) === JSON.stringify({ ...row, ...stored })) return true
  const audit = [{ event: 'client.changed' as const, time: now, clientId: declared.id }]
  const change = { writes: [{ table: 'client' as const, row }], audit, entries: [], durable: true, time: now }
  return (await store.commit(change)) === 'committed'
}

async function raiseLongestLifetime(store: Store, seconds: number): Promise<boolean> {
  const { issuer, now } = await store.loadIssuer()
  if (issuer.longestAccessTokenSeconds >= seconds) return true
  const row = { ...issuer, longestAccessTokenSeconds: seconds }
  const writes = [{ table: 'issuer' as const, row }]
  return (await store.commit({ writes, audit: [], entries: [], durable: true, time: now })) === 'committed'
}

async function again(tryOnce: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < triesAtMost; tries++) if (await tryOnce()) return
  throw new StoreUnavailable('The clients are being changed by others all the time.')
}
