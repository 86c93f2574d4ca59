import { type Refusal, refuse } from '@countersign/protocol'
import type { AuditRecord } from '../audit/audit.ts'
import type { Change } from '../change.ts'
import type { Instant } from '../ids.ts'
import { personalOf } from '../sessions/end-sessions.ts'
import type { Device, Session } from '../sessions/session.ts'
import { emailKey } from '../users/email-address.ts'
import { type Identity, mayUse, type User } from '../users/user.ts'
import { type Arrival, linkWrite, vouchedAddress } from './arrival.ts'

/** How long ago somebody may have shown who they are, to change how they sign in. */
export const freshSignInSeconds: number = 10 * 60

/** Whether the user of a session has just shown who they are. */
export function isFreshlySignedIn({ authenticatedAt }: Session, now: Instant): boolean {
  return now - authenticatedAt < freshSignInSeconds * 1000
}

/**
 * Gives the user of a session another way to sign in. The user's row is written too, so that nobody takes the last way off them or deletes them beside it. Somebody else's
 * identity is refused.
 */
export function linkIdentity(
  arrival: Omit<Arrival, 'addressOwner' | 'refusesNew' | 'random'>,
  { user, session }: { readonly user: User; readonly session: Pick<Session, 'id'> },
): Change | Refusal {
  const { snapshot, connection, told, device } = arrival
  if (!mayUse(user)) return refuse('user_disabled')
  if (snapshot.user !== undefined && snapshot.user.id !== user.id) return refuse('identity_taken')
  const { now } = snapshot
  const address = vouchedAddress(told)
  const confirms = address !== undefined && user.email !== null && emailKey(address) === emailKey(user.email)
  const whose = { userId: user.id, sessionId: session.id }
  const audit: AuditRecord = { event: 'identity.linked', time: now, ...whose, facts: { connection } }
  return {
    writes: [
      { table: 'user', row: { ...user, emailVerifiedAt: user.emailVerifiedAt ?? (confirms ? now : null) } },
      linkWrite(arrival, user),
    ],
    audit: [{ ...audit, ...personalOf(device) }],
    entries: [],
    durable: true,
    time: now,
  }
}

/**
 * Takes a way to sign in off its user, and forgets what it has told and given. Never the last: `hasPassword` says whether they can sign in by one, `usable` are the identities whose connections can
 * be used, this one among them.
 */
export function unlinkIdentity(
  request: { now: Instant; user: User; hasPassword: boolean; usable: readonly Identity[]; device: Device },
  named: Pick<Identity, 'connection' | 'subject'>,
): Change | Refusal {
  const { now, user, hasPassword, usable, device } = request
  const identity = usable.find(one => one.connection === named.connection && one.subject === named.subject)
  if (identity === undefined) return refuse('identity_unknown')
  if (!hasPassword && usable.length < 2) return refuse('last_way_in')
  const { connection } = identity
  const audit: AuditRecord = { event: 'identity.unlinked', time: now, userId: user.id, facts: { connection } }
  return {
    writes: [
      { table: 'user', row: user },
      { table: 'identity', row: { ...identity, unlinkedAt: now, told: null, sealedTokens: null } },
    ],
    audit: [{ ...audit, ...personalOf(device) }],
    entries: [],
    durable: true,
    time: now,
  }
}
