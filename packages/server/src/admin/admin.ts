import {
  type AuditAnchor,
  type Change,
  combine,
  erased,
  type KeyState,
  type PersonalSeal,
  personalOf,
  type Rights,
  revokeAll,
  type User,
  waysIn,
} from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import { loadAnchor, type PrunedAudit, pruneAuditLog, type WantedCut } from '../audit/prune-audit.ts'
import { type AuditView, readAudit } from '../audit/read-audit.ts'
import type { WrittenRights } from '../claims/change-rights.ts'
import { type ImportLine, type ImportOutcome, importUsers } from '../imports/import-users.ts'
import { countImportedPasswords, type ImportedPasswords } from '../imports/imported-passwords.ts'
import {
  type InvitationView,
  invite,
  listInvitations,
  type WantedInvitation,
  withdraw,
  withdrawal,
} from '../invitations/invite.ts'
import { canUsePassword } from '../passwords/use-of-passwords.ts'
import { afterRestore } from '../restore/restored.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { endUserSessions } from '../sign-in/end-user-sessions.ts'
import { type ClientAdmin, createClientAdmin } from './client-admin.ts'
import { addUser, findUser, listUsers, setRights, type UserLine } from './user-admin.ts'

/** What an operator does on a running system: the CLI's commands, one function each. */
export interface Admin {
  /** By id or e-mail address: who it is, and where they are signed in. */
  showUser(idOrEmail: string): Promise<UserView | Refusal>
  /** A thousand at most, after one of them, in the order in which they came. */
  listUsers(after: string): Promise<readonly UserLine[]>
  /** `password_unacceptable`, `email_taken` and so on are answered as at sign-up. */
  addUser(user: Parameters<typeof addUser>[1]): Promise<object | Refusal>
  /** Makes the users of some lines of a file; with `isDryRun` all is judged and nothing written. */
  importUsers(lines: readonly ImportLine[], how?: { readonly isDryRun?: boolean }): Promise<ImportOutcome>
  /** How many have an imported hash still. What none is left of does not cost sign-ins any more. */
  countImportedPasswords(): Promise<readonly ImportedPasswords[] | Refusal>
  /** Replaces what is named; clients whose tokens tell of it are told. */
  setRights(idOrEmail: string, rights: WrittenRights): Promise<object | Refusal>
  /** Invites an address; by mail, or with the link in the answer. */
  inviteUser(wanted: WantedInvitation): Promise<object | Refusal>
  /** Those that can be accepted, a thousand at most. */
  listInvitations(): Promise<readonly InvitationView[]>
  /** By its id or its address. */
  withdrawInvitation(idOrEmail: string): Promise<object | Refusal>
  /** Ends every session, refresh and access token at once, and says how many sessions that were. */
  disableUser(idOrEmail: string): Promise<object | Refusal>
  enableUser(idOrEmail: string): Promise<object | Refusal>
  /** Ends everything and erases what is personal; the audit chain stays whole. */
  deleteUser(idOrEmail: string): Promise<object | Refusal>
  listKeys(): readonly KeyView[]
  /** The next signing key of every algorithm at once. */
  rotateKeys(): Promise<readonly KeyView[] | Refusal>
  /** A signing key by its id, a refresh key by its number; everything that it made is dead. */
  retireKey(id: string): Promise<readonly KeyView[] | Refusal>
  /** Every access token is dead at once; logins get new ones at their next refresh. */
  revokeAll(): Promise<object | Refusal>
  /** After a backup was restored. The node is to end afterwards: it began in the history before. */
  afterRestore(
    journal: Parameters<typeof afterRestore>[1],
    options: Parameters<typeof afterRestore>[2],
  ): Promise<{ readonly revoked_again: number } | Refusal>
  /** The next rows of the audit log after a number; none: there are no more. */
  readAudit(after: number): Promise<readonly AuditView[] | Refusal>
  /** Where the audit log begins, if rows were removed from it. */
  auditAnchor(): Promise<AuditAnchor | undefined>
  /** Removes the rows that are older than a moment: at once for whoever reads, from the disk by `deletePrunedAudit`. With `isDryRun` nothing is written. */
  pruneAudit(wanted: WantedCut, how?: { readonly isDryRun?: boolean }): Promise<PrunedAudit | Refusal>
  /** Deletes some of the removed rows, as the sweep does, too; how many. 0: none is left. */
  deletePrunedAudit(): Promise<{ readonly deleted: number }>
  readonly clients: ClientAdmin
}

export interface KeyView {
  readonly id: string
  readonly use: 'signing' | 'refresh' | `shared with ${string}`
  /** What it signs with; `HMAC` for refresh keys. */
  readonly algorithm: string
  readonly state: KeyState
  readonly since: string
}

/** A user as an operator sees them. Times are RFC 3339. */
export interface UserView extends Rights {
  readonly id: string
  readonly email: string | null
  readonly name: string | null
  readonly state: 'active' | 'disabled'
  readonly created_at: string
  readonly ways_in: readonly string[]
  readonly sessions: readonly {
    readonly id: string
    readonly device: string
    readonly clients: readonly string[]
    readonly created_at: string
  }[]
}

/** Some milliseconds: whoever comes meanwhile waits no longer. */
const auditRowsDeletedAtOnce = 1_000

export function createAdmin(services: Services, personal: PersonalSeal): Admin {
  const { keys, store } = services
  const keyViews = (): KeyView[] => {
    const { signing, refresh, secrets = [] } = keys.ring()
    return [
      ...signing.map(key => view({ id: key.kid, use: 'signing', algorithm: key.alg }, key)),
      ...secrets.map(key => view({ id: key.kid, use: `shared with ${key.audience}`, algorithm: 'HS256' }, key)),
      ...refresh.map(key => view({ id: String(key.id), use: 'refresh', algorithm: 'HMAC' }, key)),
    ]
  }
  return {
    showUser: who => showUser(services, who),
    listUsers: after => listUsers(store, after),
    addUser: user => addUser(services, user),
    importUsers: (lines, how) => importUsers(services, lines, how),
    countImportedPasswords: () => countImportedPasswords(services),
    setRights: (who, rights) => setRights(services, who, rights),
    inviteUser: wanted => invite(services, wanted, { by: 'operator' }),
    listInvitations: () => listInvitations(services),
    withdrawInvitation: who => withdraw(services, who, { by: 'operator' }),
    disableUser: who =>
      changeUser(services, who, now => ({ change: { disabledAt: now }, event: 'user.disabled', ends: true })),
    enableUser: who =>
      changeUser(services, who, () => ({ change: { disabledAt: null }, event: 'user.enabled', ends: false })),
    deleteUser: who =>
      changeUser(services, who, now => ({
        change: erased(now),
        event: 'user.deleted',
        ends: true,
      })),
    listKeys: keyViews,
    async rotateKeys() {
      if (await keys.rotate()) return keyViews()
      const seconds = services.config.keyPolicy.publishAheadSeconds
      const detail = `The next key was published less than ${seconds} s ago, and some API may not know it yet. Wait that long; a key that has leaked is retired instead.`
      return refuse('unavailable', { detail, retryAfterSeconds: seconds })
    },
    async retireKey(id) {
      return (await keys.retire(id))
        ? keyViews()
        : refuse('not_found', { detail: 'There is no such key, or it is retired.' })
    },
    revokeAll: () =>
      decideAndCommit(services, async () => {
        const change = revokeAll(await store.loadIssuer(), 'operator')
        return { result: { revoked: 'every access token' }, change }
      }),
    afterRestore: (journal, options) => afterRestore(services, journal, options),
    clients: createClientAdmin(services),
    readAudit: after => readAudit(store, personal, after),
    auditAnchor: () => loadAnchor(store),
    pruneAudit: (wanted, how) => pruneAuditLog(services, wanted, how),
    deletePrunedAudit: async () => ({ deleted: await store.deletePrunedAudit(auditRowsDeletedAtOnce) }),
  }
}

type KeyTimes = { state: KeyState; createdAt: number } & Record<
  'activatedAt' | 'retiringAt' | 'retiredAt',
  number | null
>

function view(named: Pick<KeyView, 'id' | 'use' | 'algorithm'>, key: KeyTimes): KeyView {
  const since = key.retiredAt ?? key.retiringAt ?? key.activatedAt ?? key.createdAt
  return { ...named, state: key.state, since: new Date(since).toISOString() }
}

interface UserChange {
  readonly change: Partial<User>
  readonly event: 'user.disabled' | 'user.enabled' | 'user.deleted'
  readonly ends: boolean
}

function changeUser(
  services: Services,
  idOrEmail: string,
  decide: (now: number) => UserChange,
): Promise<object | Refusal> {
  const { store } = services
  return decideAndCommit(services, async () => {
    const snapshot = await findUser(store, idOrEmail)
    const { user, now } = snapshot
    if (user === undefined || user.deletedAt !== null) return refuse('user_unknown')
    const { change, event, ends } = decide(now)
    const done = event.slice('user.'.length)
    if (ends) {
      const sessions = await store.listSessions(user.id)
      const result = { id: user.id, done, sessions_ended: sessions.length }
      const more = { by: 'operator' as const, user: change, event }
      const ended = await endUserSessions(services, { ...snapshot, user }, 'ended_by_operator', more)
      const others = event === 'user.deleted' ? await invitationOf(services, user) : []
      return { result, change: combine(ended, ...others) }
    }
    const result = { id: user.id, done }
    const audit = [{ event, time: now, userId: user.id, ...personalOf(undefined) }]
    const writes = [{ table: 'user' as const, row: { ...user, ...change } }]
    return { result, change: { writes, audit, entries: [], durable: true, time: now } }
  })
}

/** Their address is free again: an invitation that was over while they had it, since they had got their account otherwise, would let them back in. */
async function invitationOf(services: Services, { email }: User): Promise<readonly Change[]> {
  const withdrawn = email === null ? undefined : await withdrawal(services, email, { by: 'operator' })
  return withdrawn === undefined ? [] : [withdrawn.change]
}

async function showUser({ store, config }: Services, idOrEmail: string): Promise<UserView | Refusal> {
  const { user } = await findUser(store, idOrEmail)
  if (user === undefined || user.deletedAt !== null) return refuse('user_unknown')
  const [sessions, identities] = [await store.listSessions(user.id), await store.listIdentities(user.id)]
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    state: user.disabledAt === null ? 'active' : 'disabled',
    created_at: new Date(user.createdAt).toISOString(),
    ...user.rights,
    ways_in: waysIn(canUsePassword(config, user), identities),
    sessions: sessions.map(({ session, families }) => ({
      id: session.id,
      device: session.device.label,
      clients: [...new Set(families.map(({ clientId }) => clientId))],
      created_at: new Date(session.createdAt).toISOString(),
    })),
  }
}
