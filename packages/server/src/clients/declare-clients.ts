import {
  type Change,
  type Client,
  type ClientOrigin,
  changeClient,
  changesSubjects,
  combine,
  type Snapshot,
} from '@countersign/core'
import { type Store, StoreUnavailable } from '@countersign/store'
import { WrongDeclaration } from '../wrong-declaration.ts'
import { contradictionsOf } from './client-contradictions.ts'
import { takesAway } from './take-away.ts'

const triesAtMost = 10

/** What a declaration of clients says besides them. */
export interface DeclarationTerms {
  /** Whether stored clients that are not named are switched off. */
  readonly areComplete?: boolean
  /** Which of several declarations it is: once one with a number is stored, none with a lower one, or with none, changes anything. */
  readonly version?: number
}

/** What became of it: the clients that are otherwise now, by their ids. */
export interface Declared {
  /** Were stored otherwise. */
  readonly changed: readonly string[]
  /** Those among them that have lost something. */
  readonly narrowed: readonly string[]
  /** Were on, and are not named. */
  readonly switchedOff: readonly string[]
  /** The number that stands, if it is higher: nothing was declared. */
  readonly storedVersion?: number
}

/**
 * Makes the stored clients what the configuration says, and notes the longest access token that any of them can get: so
 * long must entries of the feed be kept. All of it is one commit, with the number of the declaration.
 */
export async function declareClients(
  store: Store,
  declared: readonly Client[],
  terms: DeclarationTerms = {},
): Promise<Declared> {
  checkClients(declared)
  return again(() => declareOnce(store, declared, terms))
}

/** `undefined`: somebody else was first. */
async function declareOnce(
  store: Store,
  declared: readonly Client[],
  { areComplete = false, version }: DeclarationTerms,
): Promise<Declared | undefined> {
  // Read before the clients, and written with any of them: of two starts at once, the later one judges anew.
  const { issuer, now } = await store.loadIssuer()
  const { clientsVersion: stored, longestAccessTokenSeconds: longest } = issuer
  const none = { changed: [], narrowed: [], switchedOff: [] }
  if (stored !== undefined && (version === undefined || version < stored)) return { ...none, storedVersion: stored }
  const row = {
    ...issuer,
    longestAccessTokenSeconds: Math.max(longest, ...declared.map(({ lifetimes }) => lifetimes.accessTokenSeconds)),
    ...(version !== undefined && { clientsVersion: version }),
  }
  const snapshot = { issuer: row, now }
  const { changes, changed, narrowed } = await judgeDeclared(store, declared, snapshot)
  const undeclared = areComplete ? await livingUndeclared(store, declared) : []
  const how = { event: 'client.changed', facts: { declared: false } } as const
  for (const client of undeclared) changes.push(changeClient(snapshot, { ...client, disabled: true }, how))
  const outcome = { changed, narrowed, switchedOff: undeclared.map(({ id }) => id) }
  if (changes.length === 0 && JSON.stringify(row) === JSON.stringify(issuer)) return outcome
  const noted: Change = { writes: [{ table: 'issuer', row }], audit: [], entries: [], durable: true, time: now }
  return (await store.commit(combine(noted, ...changes))) === 'committed' ? outcome : undefined
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

/** What has to be written so that the stored clients are those that are declared. */
async function judgeDeclared(
  store: Store,
  declared: readonly Client[],
  snapshot: Snapshot,
): Promise<{ changes: Change[] } & Pick<Declared, 'changed' | 'narrowed'>> {
  const changes: Change[] = []
  const [changed, narrowed]: [string[], string[]] = [[], []]
  for (const client of declared) {
    const before = (await store.loadClient(client.id))?.client
    const after = before ? declaredOver(before, client) : client
    if (before && JSON.stringify(after) === JSON.stringify({ ...after, ...before })) continue
    // Switched off: what it was given is dead everywhere, not only where this server is asked.
    // Known by another `sub` from now on: it must not go on with what speaks of the old one.
    const ends = before !== undefined && ((after.disabled && !before.disabled) || changesSubjects(before, after))
    changes.push(changeClient(snapshot, after, { event: 'client.changed', ends }))
    if (before === undefined) continue
    changed.push(client.id)
    if (takesAway(before, after)) narrowed.push(client.id)
  }
  return { changes, changed, narrowed }
}

/**
 * What is stored and not declared any more. It is switched off gently: nothing new is given and nothing renewed, but no epoch is raised, so
 * that a client which was left out by mistake goes on where it was once it is declared again.
 */
async function livingUndeclared(store: Store, declared: readonly Client[]): Promise<readonly Client[]> {
  const names = new Set(declared.map(client => client.id))
  const living: Client[] = []
  for await (const client of everyClient(store, 'declared')) {
    if (!names.has(client.id) && !client.disabled) living.push(client)
  }
  return living
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

/** What the file says, over what has happened since: epochs that were raised, an operator's switch. */
function declaredOver({ epoch, version, disabledByOperator }: Client, declared: Client): Client {
  return { ...declared, epoch, version, disabledByOperator, disabled: declared.disabled || disabledByOperator }
}

/** `undefined` and `false`: somebody else was first. */
async function again<T>(tryOnce: () => Promise<T | undefined | false>): Promise<T> {
  for (let tries = 0; tries < triesAtMost; tries++) {
    const outcome = await tryOnce()
    if (outcome !== undefined && outcome !== false) return outcome
  }
  throw new StoreUnavailable('The clients are being changed by others all the time.')
}
