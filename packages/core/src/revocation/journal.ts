import { createHash } from 'node:crypto'
import type { Epochs, FeedEntry } from '@countersign/protocol'
import type { AuditEvent, AuditRecord } from '../audit/audit.ts'
import type { Change } from '../change.ts'
import type { Client } from '../clients/client.ts'
import type { Grant } from '../grants/grant.ts'
import type { Instant } from '../ids.ts'
import type { Family } from '../sessions/session.ts'
import type { Rights } from '../users/rights.ts'
import type { Identity, User } from '../users/user.ts'

/*
 * The revocation journal: what was taken back, apart from the store and its backups, so that a backup that is restored does not give it again. A
 * record is what a change has ended, and nothing else of it: no address, no name, no secret in the clear.
 */

/** A session or family as it was left: ended, or, where all others were, with the epochs that it goes on under. */
export type JournalledLogin = Pick<Family, 'id' | 'epochs' | 'endedAt' | 'endReason'>

export interface JournalledUser extends Pick<User, 'id' | 'epoch' | 'disabledAt' | 'deletedAt'> {
  /** The hash of a password that was changed, sealed; absent if it was not. */
  readonly sealedPassword?: string
  /** What they may do, if that was changed. */
  readonly rights?: Pick<Rights, 'roles' | 'groups' | 'permissions'>
}

/** A way to sign in that was taken off its user. */
export interface JournalledIdentity extends Pick<Identity, 'userId' | 'unlinkedAt'> {
  /** `identityDigest` of it: which account elsewhere it was is nobody's business here. */
  readonly digest: string
}

/** One change that has taken something back. Everything in it can be applied again and again. */
export interface JournalRecord {
  readonly time: Instant
  readonly audit: readonly AuditRecord[]
  readonly entries: readonly FeedEntry[]
  readonly sessions: readonly JournalledLogin[]
  readonly families: readonly JournalledLogin[]
  readonly users: readonly JournalledUser[]
  readonly identities: readonly JournalledIdentity[]
  /** Made from the audit log, which does not say which way to sign in was taken off: the digests of those that were left. */
  readonly identitiesLeft?: { readonly userId: string; readonly digests: readonly string[] }
  readonly grants: readonly Pick<Grant, 'userId' | 'clientId' | 'epoch' | 'withdrawnAt'>[]
  /** Whole, since their secrets are hashes of what nobody can guess, and one that was taken back must not come again. */
  readonly clients: readonly Client[]
}

const takesBack: ReadonlySet<AuditEvent> = new Set<AuditEvent>([
  'user.disabled',
  'user.enabled',
  'user.deleted',
  'user.password_changed',
  'user.rights_changed',
  'identity.unlinked',
  'session.ended',
  'sessions.ended',
  'family.ended',
  'token.revoked',
  'refresh.reused',
  'code.reused',
  'client.changed',
  'client.secrets_changed',
  'client.revoked',
  'grant.withdrawn',
  'key.retired',
])

/** Whether what happened has taken something back. */
export function isJournalled({ event }: Pick<AuditRecord, 'event'>): boolean {
  return takesBack.has(event)
}

/** What the journal keeps of a change; `undefined` if it takes nothing back. */
export function journalRecord(
  change: Pick<Change, 'writes' | 'audit' | 'entries' | 'time'>,
  sealPassword: (user: User) => string,
): JournalRecord | undefined {
  const events = new Set(change.audit.map(({ event }) => event))
  if (!change.audit.some(isJournalled)) return undefined
  const rows = <Table extends Change['writes'][number]['table']>(table: Table) =>
    change.writes.flatMap(write => (write.table === table ? [write.row as RowOf<Table>] : []))
  return {
    time: change.time,
    audit: change.audit.flatMap(({ personal: _, ...record }) => (isJournalled(record) ? [record] : [])),
    entries: change.entries,
    sessions: rows('session').map(loginOf),
    families: rows('family').map(loginOf),
    users: rows('user').map(user => ({
      id: user.id,
      epoch: user.epoch,
      disabledAt: user.disabledAt,
      deletedAt: user.deletedAt,
      ...(events.has('user.password_changed') && { sealedPassword: sealPassword(user) }),
      ...(events.has('user.rights_changed') && { rights: withoutAttributes(user.rights) }),
    })),
    identities: rows('identity').flatMap(identity =>
      identity.unlinkedAt === null
        ? []
        : [{ userId: identity.userId, unlinkedAt: identity.unlinkedAt, digest: identityDigest(identity) }],
    ),
    grants: rows('grant').map(({ userId, clientId, epoch, withdrawnAt }) => ({ userId, clientId, epoch, withdrawnAt })),
    clients: rows('client'),
  }
}

/** What an operator keeps of a person besides may be personal. */
function withoutAttributes({ roles, groups, permissions }: Rights): JournalledUser['rights'] & object {
  return { roles, groups, permissions }
}

type RowOf<Table> = Extract<Change['writes'][number], { table: Table }>['row']

/** SHA-256, base64url. */
export function identityDigest({ connection, subject }: Pick<Identity, 'connection' | 'subject'>): string {
  return createHash('sha256')
    .update(JSON.stringify([connection, subject]))
    .digest('base64url')
}

function loginOf({ id, epochs, endedAt, endReason }: JournalledLogin): JournalledLogin {
  return { id, epochs, endedAt, endReason }
}

/** A login as it is stored, and what the journal says of it: ended if either is, under the higher epochs. */
export function endedAgain<Row extends JournalledLogin>(stored: Row, journalled: JournalledLogin): Row {
  const epochs: Epochs = higher(stored.epochs, journalled.epochs)
  const { endedAt, endReason } = stored.endedAt === null ? journalled : stored
  return { ...stored, epochs, endedAt, endReason }
}

function higher(one: Epochs, other: Epochs): Epochs {
  const names = (['all', 'user', 'client', 'grant'] as const).filter(name => one[name] !== undefined)
  return Object.fromEntries(names.map(name => [name, Math.max(one[name] ?? 0, other[name] ?? 0)])) as unknown as Epochs
}
