import type { AuditRecord } from '../audit/audit.ts'
import type { Change } from '../change.ts'
import { withdrawGrants } from '../grants/end-grant.ts'
import type { Grant } from '../grants/grant.ts'
import type { Instant } from '../ids.ts'
import { type Actor, personalOf } from '../sessions/end-sessions.ts'
import type { Device } from '../sessions/session.ts'
import { type Identity, isOfBackEnd, type User } from './user.ts'

/** The user with the address shown to be theirs. */
export function verifyAddress(user: User, rows: { readonly now: Instant; readonly device: Device }): Change {
  const { now, device } = rows
  const audit: AuditRecord = { event: 'user.address_verified', time: now, userId: user.id, ...personalOf(device) }
  const writes: Change['writes'] =
    user.emailVerifiedAt === null ? [{ table: 'user', row: { ...user, emailVerifiedAt: now } }] : []
  return { writes, audit: writes.length === 0 ? [] : [audit], entries: [], durable: true, time: now }
}

/** What somebody who was in an account may have left there, so as to come back. */
export interface AddedAccess {
  readonly identities: readonly Identity[]
  /** Those that stand. */
  readonly grants: readonly Grant[]
}

type Rows = Actor & { readonly now: Instant; readonly device: Device }

/**
 * Somebody shows for the first time that the address of an account is theirs, without having signed in to it: whoever made the account may have been another, who did
 * not have the address (attack 34, GHSA-qq9h-g4jm-xgf3). Ways to sign in that were added by then are taken off it, and so is what was allowed applications, which would
 * let them in beside the owner; the password is replaced, and the sessions end, by the change that this goes along with. Rights stay: the operator gave them.
 */
export function takeAccountOver(user: User, added: AddedAccess, rows: Rows): Pick<Change, 'writes' | 'audit'> {
  const { now, device } = rows
  if (user.emailVerifiedAt !== null) return { writes: [], audit: [] }
  const verified: AuditRecord = { event: 'user.address_verified', time: now, userId: user.id, ...personalOf(device) }
  const removed = removeAccess(user, added, rows)
  return { ...removed, audit: [verified, ...removed.audit] }
}

/**
 * The owner of an account says that another is in it. What may have been added goes, too. By which identity a trusted back end knows the user is nothing that a thief adds;
 * whom nobody has shown the address of may have come by it, though.
 */
export function throwOthersOut(user: User, added: AddedAccess, rows: Rows): Pick<Change, 'writes' | 'audit'> {
  const identities = added.identities.filter(one => user.emailVerifiedAt === null || !isOfBackEnd(one))
  return removeAccess(user, { ...added, identities }, rows)
}

/** What another took off them, given back. */
export function giveBackIdentity(
  { id }: User,
  identity: Identity,
  { now, device }: Rows,
): Pick<Change, 'writes' | 'audit'> {
  const { connection } = identity
  const audit: AuditRecord = { event: 'identity.linked', time: now, userId: id, facts: { connection } }
  return {
    writes: [{ table: 'identity', row: { ...identity, unlinkedAt: null } }],
    audit: [{ ...audit, ...personalOf(device) }],
  }
}

function removeAccess({ id }: User, { identities, grants }: AddedAccess, rows: Rows): Pick<Change, 'writes' | 'audit'> {
  const { now, device } = rows
  const withdrawn = withdrawGrants(grants, now, rows)
  return {
    writes: [
      ...identities.map(identity => ({
        table: 'identity' as const,
        row: { ...identity, unlinkedAt: now, told: null, sealedTokens: null },
      })),
      ...withdrawn.writes,
    ],
    audit: [
      ...identities.map(
        ({ connection }): AuditRecord => ({
          event: 'identity.unlinked',
          time: now,
          userId: id,
          facts: { connection },
          ...personalOf(device),
        }),
      ),
      ...withdrawn.audit,
    ],
  }
}
