import { grantEntryId } from '@countersign/protocol'
import type { AuditRecord } from '../audit/audit.ts'
import type { Change, Write } from '../change.ts'
import type { Client } from '../clients/client.ts'
import type { Instant } from '../ids.ts'
import { epochEntry } from '../revocation/entries.ts'
import { type Actor, endLogin, personalOf } from '../sessions/end-sessions.ts'
import type { EndReason, Family, Session } from '../sessions/session.ts'
import type { Snapshot } from '../snapshots.ts'
import { tellsUserId } from '../tokens/subject.ts'
import type { User } from '../users/user.ts'
import type { Grant } from './grant.ts'

/** A session of the user with the families in it that live. */
export interface LivingLogin {
  readonly session: Session
  readonly families: readonly Family[]
}

/** What is to die: everything that was made under the grant. */
export interface GrantEnd {
  readonly snapshot: Snapshot
  readonly client: Client
  readonly grant: Grant
  /** The user's, of whatever clients. */
  readonly logins: readonly LivingLogin[]
  readonly actor?: Actor
}

/**
 * The user takes back what they have allowed: tokens die everywhere, and the client has to ask again. Where families die by name, the user's row is written too,
 * so that none is born beside it (`openFamily` does the same).
 */
export function withdrawGrant(end: GrantEnd & { readonly user: User }): Change {
  const { snapshot, client, user } = end
  const withdrawn = { ...end.grant, withdrawnAt: snapshot.now }
  const { change } = endGrant(end, withdrawn, 'grant_withdrawn', 'grant.withdrawn')
  const guard: Write[] = tellsUserId(client) ? [] : [{ table: 'user', row: user }]
  return { ...change, writes: [...change.writes, ...guard] }
}

/**
 * All that a user has allowed anybody, taken back by a change that ends all their sessions too: no login is left that would have to be named. Whoever allows writes the
 * user's row (`allowGrant`), as such a change does, so that nothing is allowed beside it.
 */
export function withdrawGrants(
  grants: readonly Grant[],
  now: Instant,
  { by, device }: Actor,
): Pick<Change, 'writes' | 'audit'> {
  return {
    writes: grants.map(grant => ({ table: 'grant', row: { ...grant, withdrawnAt: now, epoch: grant.epoch + 1 } })),
    audit: grants.map(({ userId, clientId }) => ({
      event: 'grant.withdrawn',
      time: now,
      userId,
      clientId,
      facts: { reason: 'grant_withdrawn', logins: 0, ...(by && { by }) },
      ...personalOf(device),
    })),
  }
}

/** A new authorization takes the place of the ones before ("one live authorization per user"): `grant` is what it is made under. */
export function renewGrant(end: GrantEnd): { grant: Grant; change: Change } {
  return endGrant(end, end.grant, 'superseded', 'grant.renewed')
}

/**
 * Raises the grant's epoch: one row, and one entry that kills every access token of user and client. Where `sub` is not the user's id the entry would match
 * none, or tell which `sub` belong together: there the families die by name.
 */
function endGrant(
  { snapshot, client, grant: before, logins, actor }: GrantEnd,
  changed: Grant,
  reason: EndReason,
  event: AuditRecord['event'],
): { grant: Grant; change: Change } {
  const { now, issuer } = snapshot
  const grant = { ...changed, epoch: before.epoch + 1 }
  const ends = logins.flatMap(login => endLoginsOf(login, { snapshot, client, reason, actor }))
  // One entry kills them all, where tokens name the user.
  const entries = tellsUserId(client)
    ? [epochEntry('grant', grantEntryId(grant.userId, client.id), grant.epoch, now, issuer)]
    : ends.flatMap(end => end.entries)
  const audit: AuditRecord = {
    event,
    time: now,
    userId: grant.userId,
    clientId: client.id,
    facts: { reason, logins: ends.length, ...(actor?.by && { by: actor.by }) },
    ...personalOf(actor?.device),
  }
  const writes: Write[] = [{ table: 'grant', row: grant }, ...ends.flatMap(end => end.writes)]
  const audits = [audit, ...ends.flatMap(end => end.audit)]
  return { grant, change: { writes, entries, audit: audits, durable: true, time: now } }
}

function endLoginsOf(
  { session, families }: LivingLogin,
  end: {
    snapshot: Snapshot
    client: Client
    reason: EndReason
    actor: Actor | undefined
  },
): Change[] {
  const own = families.filter(({ clientId }) => clientId === end.client.id)
  return own.flatMap(family => endLogin({ ...end.snapshot, session, family }, end.reason, end.actor) ?? [])
}
