import {
  type Client,
  changesSubjects,
  epochEntry,
  isPublic,
  redirectUriIsAcceptable,
  sectorOf,
} from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'
import { rightsOfBackEnds } from './authorize-caller.ts'

const triesAtMost = 10

/**
 * Makes the stored clients what the configuration says, and notes the longest access token that any of them can get: so
 * long must entries of the feed be kept.
 */
export async function declareClients(store: Store, declared: readonly Client[]): Promise<void> {
  for (const client of declared) checkDeclaration(client)
  const ids = declared.map(client => client.id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new WrongDeclaration(`Two clients have the id '${twice}'.`)
  // First: no node may give a longer token than entries of the feed are kept for.
  const longest = Math.max(0, ...declared.map(client => client.lifetimes.accessTokenSeconds))
  await again(() => raiseLongestLifetime(store, longest))
  for (const client of declared) await again(() => declareOne(store, client))
}

/** What a declaration says wrongly stops the server: closed, not open (RFC 9700 §4.1). Names the client, never a secret. */
export class WrongDeclaration extends Error {
  override readonly name = 'WrongDeclaration'
}

function checkDeclaration(client: Client): void {
  const wrong = client.redirectUris.find(uri => !redirectUriIsAcceptable(uri))
  if (wrong !== undefined)
    throw new WrongDeclaration(`The client '${client.id}' has a redirect URI that is not allowed.`)
  if (client.subjectType === 'pairwise' && client.redirectUris.length > 0 && sectorOf(client) === undefined) {
    throw new WrongDeclaration(
      `The client '${client.id}' has redirect URIs of several hosts, so its pairwise subjects need a sector identifier.`,
    )
  }
  const right = client.scopes.find(scope => rightsOfBackEnds.includes(scope))
  if (right !== undefined && isPublic(client)) {
    throw new WrongDeclaration(`The client '${client.id}' has no secret, so it cannot have the scope '${right}'.`)
  }
}

/**
 * Switches off what is stored and not declared any more. Gently: nothing new is given and nothing renewed, but no epoch is raised, so
 * that a client which was left out by mistake goes on where it was once it is declared again.
 */
export async function switchOffUndeclared(store: Store, declared: readonly Client[]): Promise<void> {
  const names = new Set(declared.map(client => client.id))
  for (const { id } of await store.listClients()) if (!names.has(id)) await again(() => switchOff(store, id))
}

async function switchOff(store: Store, clientId: string): Promise<boolean> {
  const found = await store.loadClient(clientId)
  if (found === undefined || found.client.disabled) return true
  const { client, now: time } = found
  const writes = [{ table: 'client' as const, row: { ...client, disabled: true } }]
  const audit = [{ event: 'client.changed' as const, time, clientId, facts: { declared: false } }]
  return (await store.commit({ writes, audit, entries: [], durable: true, time })) === 'committed'
}

async function declareOne(store: Store, declared: Client): Promise<boolean> {
  const stored = (await store.loadClient(declared.id))?.client
  const { now, issuer } = await store.loadIssuer()
  // Switched off: what it was given is dead everywhere, not only where this server is asked.
  // Known by another `sub` from now on: it must not go on with what speaks of the old one.
  const ends = stored !== undefined && ((declared.disabled && !stored.disabled) || changesSubjects(stored, declared))
  const epoch = stored ? stored.epoch + Number(ends) : declared.epoch
  const row = stored ? { ...declared, epoch, version: stored.version } : declared
  if (stored && JSON.stringify(row) === JSON.stringify({ ...row, ...stored })) return true
  const audit = [{ event: 'client.changed' as const, time: now, clientId: declared.id }]
  const entries = ends ? [epochEntry('client', declared.id, epoch, now, issuer)] : []
  const change = { writes: [{ table: 'client' as const, row }], audit, entries, durable: true, time: now }
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
