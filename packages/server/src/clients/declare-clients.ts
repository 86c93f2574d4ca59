import { type Client, type ClientOrigin, changeClient, changesSubjects } from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'
import { WrongDeclaration } from '../wrong-declaration.ts'
import { contradictionsOf } from './client-contradictions.ts'

const triesAtMost = 10

/**
 * Makes the stored clients what the configuration says, and notes the longest access token that any of them can get: so
 * long must entries of the feed be kept. Answers which were stored otherwise.
 */
export async function declareClients(store: Store, declared: readonly Client[]): Promise<readonly string[]> {
  checkClients(declared)
  // First: no node may give a longer token than entries of the feed are kept for.
  const longest = Math.max(0, ...declared.map(client => client.lifetimes.accessTokenSeconds))
  await again(() => raiseLongestLifetime(store, longest))
  const changed: string[] = []
  for (const client of declared) {
    await again(async () => {
      const outcome = await declareOne(store, client)
      if (outcome === 'changed') changed.push(client.id)
      return outcome !== 'conflict'
    })
  }
  return changed
}

/** Notes the issuer's URL. Answers with the one that stood there, if it is another: what was given in its name is refused in this one's. */
export async function declareIssuer(store: Store, url: string): Promise<string | undefined> {
  let before: string | undefined
  await again(async () => {
    const { issuer, now } = await store.loadIssuer()
    before = issuer.url
    if (before === url) return true
    const writes = [{ table: 'issuer' as const, row: { ...issuer, url } }]
    return (await store.commit({ writes, audit: [], entries: [], durable: true, time: now })) === 'committed'
  })
  return before === url ? undefined : before
}

/** Throws `WrongDeclaration` with what is unsafe about any of them. */
export function checkClients(declared: readonly Client[]): void {
  const ids = declared.map(client => client.id)
  const twice = new Set(ids.filter((id, index) => ids.indexOf(id) !== index))
  const faults = [
    ...declared.flatMap(client =>
      contradictionsOf(client)
        .filter(({ isUnsafe }) => isUnsafe)
        .map(({ key, says }) => `The client '${client.id}': ${key} ${says}.`),
    ),
    ...[...twice].map(id => `Two clients have the id '${id}'.`),
  ]
  if (faults.length > 0) throw new WrongDeclaration(...faults)
}

/**
 * Switches off what is stored and not declared any more. Gently: nothing new is given and nothing renewed, but no epoch is raised, so
 * that a client which was left out by mistake goes on where it was once it is declared again. Answers which were on until now.
 */
export async function switchOffUndeclared(store: Store, declared: readonly Client[]): Promise<readonly string[]> {
  const names = new Set(declared.map(client => client.id))
  const switchedOff: string[] = []
  for await (const { id, disabled } of everyClient(store, 'declared')) {
    if (names.has(id) || disabled) continue
    await again(() => switchOff(store, id))
    switchedOff.push(id)
  }
  return switchedOff
}

/** All clients of an origin, a page at a time. */
async function* everyClient(store: Store, origin: ClientOrigin): AsyncGenerator<Client> {
  const limit = 200
  for (let after = ''; ; ) {
    const page = await store.listClients({ origin, after, limit })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < limit) return
    after = last.id
  }
}

async function switchOff(store: Store, clientId: string): Promise<boolean> {
  const found = await store.loadClient(clientId)
  if (found === undefined || found.client.disabled) return true
  const how = { event: 'client.changed', facts: { declared: false } } as const
  return (await store.commit(changeClient(found, { ...found.client, disabled: true }, how))) === 'committed'
}

async function declareOne(store: Store, declared: Client): Promise<'new' | 'changed' | 'unchanged' | 'conflict'> {
  const stored = (await store.loadClient(declared.id))?.client
  const snapshot = await store.loadIssuer()
  const row = stored ? declaredOver(stored, declared) : declared
  if (stored && JSON.stringify(row) === JSON.stringify({ ...row, ...stored })) return 'unchanged'
  // Switched off: what it was given is dead everywhere, not only where this server is asked.
  // Known by another `sub` from now on: it must not go on with what speaks of the old one.
  const ends = stored !== undefined && ((row.disabled && !stored.disabled) || changesSubjects(stored, row))
  const committed = await store.commit(changeClient(snapshot, row, { event: 'client.changed', ends }))
  if (committed === 'conflict') return 'conflict'
  return stored ? 'changed' : 'new'
}

/** What the file says, over what has happened since: epochs that were raised, an operator's switch. */
function declaredOver({ epoch, version, disabledByOperator }: Client, declared: Client): Client {
  return { ...declared, epoch, version, disabledByOperator, disabled: declared.disabled || disabledByOperator }
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
