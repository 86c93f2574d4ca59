import {
  type AuditRecord,
  type Client,
  type ClientChange,
  changeClient,
  changesSubjects,
  declareClient,
  hashClientSecret,
  makeClientSecret,
  makeId,
  withNewSecret,
  withoutSecret,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { ClientPage, ClientSnapshot } from '@countersign/store'
import { contradictionsOf } from '../clients/client-contradictions.ts'
import { type ClientSettings, clientOfWritten, clientWith } from '../clients/written-client.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { type ClientLine, type ClientView, lineOf, viewOf, viewOfRemoved } from './client-view.ts'

/** Who does it; stands in the audit log. */
export type Actor = 'operator' | 'manager' | 'owner' | 'client'

/** How long secrets are good from now on, in seconds; absent: for ever. */
export interface SecretLives {
  readonly expires_in?: number | undefined
  /** Of the secret before; 0: it is good no more. */
  readonly old_expires_in?: number | undefined
}

/** What can be done to a client by hand; by the command line and by the admin API alike. A secret is in the answer that makes it, and in no other. */
export interface ClientAdmin {
  list(page: Pick<ClientPage, 'after' | 'limit'>): Promise<readonly ClientLine[]>
  show(id: string): Promise<ClientView | Refusal>
  add(settings: ClientSettings & { id?: string | undefined }, by: Actor): Promise<ClientView | Refusal>
  /** What is not named stays. */
  set(id: string, settings: ClientSettings, by: Actor): Promise<ClientView | Refusal>
  rotateSecret(id: string, lives: SecretLives, by: Actor): Promise<ClientView | Refusal>
  retireSecret(id: string, secret: string, by: Actor): Promise<ClientView | Refusal>
  /** Ends everything that it was given; it can begin anew. */
  revoke(id: string, by: Actor): Promise<ClientView | Refusal>
  disable(id: string, by: Actor): Promise<ClientView | Refusal>
  enable(id: string, by: Actor): Promise<ClientView | Refusal>
  remove(id: string, by: Actor): Promise<ClientView | Refusal>
}

export function createClientAdmin(services: Services): ClientAdmin {
  const { store, random } = services
  const change = (id: string, decide: (found: ClientSnapshot) => Decided | Refusal, by: Actor) =>
    changeOne(services, id, decide, by)
  return {
    list: async page => (await store.listClients(page)).filter(({ removedAt }) => removedAt === null).map(lineOf),
    async show(id) {
      const found = await store.loadClient(id)
      return found === undefined || found.client.removedAt !== null ? refuse('client_unknown') : viewOf(found.client)
    },
    add: (settings, by) => addOne(services, settings, by),
    set: (id, settings, by) => change(id, found => judgeSettings(services, found, settings), by),
    rotateSecret: (id, lives, by) =>
      change(
        id,
        ({ client, now }) => {
          if (isDescribedElsewhere(client)) return describedElsewhere(client)
          const secret = makeClientSecret(random)
          const later = (seconds: number | undefined) => (seconds === undefined ? undefined : now + seconds * 1000)
          const ends = { now, endsAt: later(lives.expires_in), oldEndsAt: later(lives.old_expires_in) }
          const row = withNewSecret(client, hashClientSecret(secret), ends)
          return judged({ row, secret, event: 'client.secrets_changed' })
        },
        by,
      ),
    retireSecret: (id, secret, by) =>
      change(
        id,
        ({ client }) => {
          if (isDescribedElsewhere(client)) return describedElsewhere(client)
          const row = withoutSecret(client, secret)
          const detail = 'There is no such secret, or it is the only one.'
          return row === undefined ? refuse('not_found', { detail }) : { row, event: 'client.secrets_changed' }
        },
        by,
      ),
    revoke: (id, by) => change(id, ({ client }) => ({ row: client, event: 'client.revoked', ends: true }), by),
    disable: (id, by) =>
      change(
        id,
        ({ client }) => {
          const row = { ...client, ...keptFor(client), disabled: true, disabledByOperator: true }
          return { row, event: 'client.changed', ends: !client.disabled }
        },
        by,
      ),
    enable: (id, by) => change(id, ({ client }) => judgeEnabling(client), by),
    remove: (id, by) => change(id, judgeRemoval, by),
  }
}

/** The row as it is to be, and how that is told. */
interface Decided extends Omit<ClientChange, 'facts'> {
  readonly row: Client
  readonly secret?: string | undefined
}

async function changeOne(
  services: Services,
  id: string,
  decide: (found: ClientSnapshot) => Decided | Refusal,
  by: Actor,
): Promise<ClientView | Refusal> {
  const outcome = await decideAndCommit(services, async () => {
    const found = await services.store.loadClient(id)
    if (found === undefined || found.client.removedAt !== null) return refuse('client_unknown')
    const decided = decide(found)
    if (isRefusal(decided)) return decided
    const { row, secret, ...how } = decided
    const facts: AuditRecord['facts'] = { by }
    const view = row.removedAt === null ? viewOf(row, secret) : viewOfRemoved(row)
    return { result: { view }, change: changeClient(found, row, { ...how, facts }) }
  })
  return isRefusal(outcome) ? outcome : outcome.view
}

/** A client that the operator makes. The id of one that was removed can be used again; what that one was given stays dead. */
async function addOne(
  services: Services,
  settings: ClientSettings & { id?: string | undefined },
  by: Actor,
): Promise<ClientView | Refusal> {
  const outcome = await decideAndCommit(services, async () => {
    const snapshot = await services.store.loadIssuer()
    const id = settings.id ?? makeId(snapshot.now, services.random)
    const before = (await services.store.loadClient(id))?.client
    if (before !== undefined && before.removedAt === null) return refuse('client_taken')
    const client = { ...clientOfWritten({ ...settings, id }), origin: 'operator' as const, createdAt: snapshot.now }
    const { epoch, version } = before ?? client
    const decided = judged(withSecretIfNeeded({ ...client, epoch, version }, services))
    if (isRefusal(decided)) return decided
    const how = { event: 'client.registered', facts: { by, origin: 'operator' } } as const
    return { result: { view: viewOf(decided.row, decided.secret) }, change: changeClient(snapshot, decided.row, how) }
  })
  return isRefusal(outcome) ? outcome : outcome.view
}

function judgeSettings(services: Services, { client }: ClientSnapshot, settings: ClientSettings): Decided | Refusal {
  if (isDescribedElsewhere(client)) return describedElsewhere(client)
  const changed = clientWith(client, settings)
  const defaultScopes = settings.default_scopes ?? client.defaultScopes.filter(scope => changed.scopes.includes(scope))
  const switched = settings.disabled === undefined ? {} : { disabledByOperator: settings.disabled }
  const row = { ...changed, ...switched, defaultScopes, changedByOperator: true }
  const decided = withSecretIfNeeded(row, services)
  const ends = (changed.disabled && !client.disabled) || changesSubjects(client, changed)
  return judged({ ...decided, ends })
}

/** A method that needs a secret gets one; a method without loses those that there are. */
function withSecretIfNeeded(client: Client, { random }: Services): Decided {
  const { authenticationMethod: method, secretHashes } = client
  const event = 'client.changed'
  if (method === 'none') return { row: { ...client, secretHashes: [], secretEnds: {} }, event }
  if (!method?.startsWith('client_secret') || secretHashes.length > 0) return { row: client, event }
  const secret = makeClientSecret(random)
  return { row: { ...client, secretHashes: [hashClientSecret(secret)] }, secret, event }
}

function judged(decided: Decided): Decided | Refusal {
  const [wrong] = contradictionsOf(decided.row)
  if (wrong !== undefined) return refuse('parameter_invalid', { detail: `${wrong.key} ${wrong.says}.` })
  const { graceSeconds, minimumLifeSeconds } = decided.row.refresh
  if (minimumLifeSeconds >= 2 * graceSeconds) return decided
  return refuse('parameter_invalid', { detail: 'minimum_life_seconds must be at least twice grace_seconds.' })
}

/** What the file says, or a document at its address, would overwrite what is set by hand. */
function isDescribedElsewhere({ origin }: Client): boolean {
  return origin === 'declared' || origin === 'metadata'
}

function describedElsewhere({ origin }: Client): Refusal {
  const detail = 'The client describes itself, in the document at its address.'
  return origin === 'declared' ? refuse('client_declared') : refuse('client_declared', { detail })
}

/** One that the file does not name any more stays off until it does. */
function judgeEnabling(client: Client): Decided | Refusal {
  if (client.origin === 'declared' && client.disabled && !client.disabledByOperator) return refuse('client_declared')
  return { row: { ...client, disabled: false, disabledByOperator: false }, event: 'client.changed' }
}

/** One that describes itself comes again under the same id as soon as its row is forgotten: a decision about it must outlive the sweep. */
function keptFor({ origin }: Client): { expiresAt?: null } {
  return origin === 'metadata' ? { expiresAt: null } : {}
}

/** The row stays, empty: logins of the past refer to it, and its epoch must go on. */
function judgeRemoval({ client, now }: ClientSnapshot): Decided | Refusal {
  const { id, name, origin, epoch, version } = client
  if (origin === 'declared' && !client.disabled) return refuse('client_declared')
  const expiresAt = client.expiresAt === null ? null : now
  const emptied = { id, name, origin, epoch, version, expiresAt, ...keptFor(client), disabled: true, removedAt: now }
  return { row: declareClient(emptied), event: 'client.revoked', ends: true }
}
