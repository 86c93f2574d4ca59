import type { FeedEntry } from '@countersign/protocol'
import type { AuditEvent, AuditRecord } from '../audit/audit.ts'
import type { Change, Write } from '../change.ts'
import type { Instant } from '../ids.ts'
import type { Issuer } from '../issuer.ts'
import { epochEntry, namedEntry } from '../revocation/entries.ts'
import type { FamilySnapshot, SessionOnlySnapshot, SessionSnapshot, Snapshot } from '../snapshots.ts'
import { mayUse, type User } from '../users/user.ts'
import type { Device, EndReason, Family, Session } from './session.ts'

/** Who did it, for the audit log. */
export interface Actor {
  readonly device?: Device
  readonly by?: 'user' | 'client' | 'operator'
}

export function personalOf(device: Device | undefined): { personal: Record<string, string> } | undefined {
  return device && { personal: { ip: device.ip, device: device.label } }
}

/** True if the session belongs to one client's direct login: then session and family are one login. */
export function isOneLogin(session: Session, family: Family): boolean {
  return session.clientId === family.clientId
}

/** A family with its session, as they are now. */
export type LivingFamily = Snapshot & Pick<FamilySnapshot, 'session' | 'family'>

/** Ends one session with everything in it. Nothing to do if it has ended already. */
export function endSession(snapshot: SessionOnlySnapshot, reason: EndReason, actor: Actor = {}): Change | undefined {
  const { now, issuer, session } = snapshot
  if (session.endedAt !== null) return undefined
  return {
    writes: [{ table: 'session', row: { ...session, endedAt: now, endReason: reason } }],
    entries: [namedEntry('session', session.id, now, issuer)],
    audit: [
      {
        event: 'session.ended',
        time: now,
        userId: session.userId,
        sessionId: session.id,
        facts: { reason, ...(actor.by && { by: actor.by }) },
        ...personalOf(actor.device),
      },
    ],
    durable: true,
    time: now,
  }
}

/**
 * Ends the login that a refresh token belongs to: the family, and its session where the two are one login (or where
 * `wholeSession` says so).
 */
export function endLogin(
  snapshot: LivingFamily,
  reason: EndReason,
  actor: Actor & { wholeSession?: boolean } = {},
): Change | undefined {
  const { now, issuer, family, session } = snapshot
  if (family.endedAt !== null || session.endedAt !== null) return undefined
  const endsSession = actor.wholeSession === true || isOneLogin(session, family)
  const writes: Write[] = [{ table: 'family', row: { ...family, endedAt: now, endReason: reason }, endsOnly: true }]
  const entries: FeedEntry[] = [namedEntry('family', family.id, now, issuer)]
  if (endsSession) {
    writes.push({ table: 'session', row: { ...session, endedAt: now, endReason: reason } })
    entries.push(namedEntry('session', session.id, now, issuer))
  }
  const record: AuditRecord = {
    event: endsSession ? 'session.ended' : 'family.ended',
    time: now,
    userId: family.userId,
    clientId: family.clientId,
    sessionId: session.id,
    familyId: family.id,
    facts: { reason, ...(actor.by && { by: actor.by }) },
    ...personalOf(actor.device),
  }
  return { writes, entries, audit: [record], durable: true, time: now }
}

/**
 * Ends every session of a user by raising the user's epoch: one row, however many sessions. `keep` survives: it is
 * stamped with the new epoch in the same commit. `user` may change in the same breath (password, disabled, deleted),
 * `event` then names what happened.
 */
export function endAllSessions(
  snapshot: Snapshot & { user: User },
  reason: EndReason,
  more: Actor & {
    keep?: SessionSnapshot | undefined
    user?: Partial<User>
    event?: AuditEvent
    /** Families whose tokens do not tell the user's epoch (`tellsUserId`): the feed has to name them. */
    byName?: readonly Family[]
  } = {},
): Change {
  const { now, issuer, user } = snapshot
  const epoch = user.epoch + 1
  const writes: Write[] = [{ table: 'user', row: { ...user, ...more.user, epoch } }]
  if (more.keep) writes.push(...restamp(more.keep, epoch))
  return {
    writes,
    entries: [
      epochEntry('user', user.id, epoch, now, issuer),
      ...(more.byName ?? [])
        .filter(family => family.sessionId !== more.keep?.session.id)
        .map(family => namedEntry('family', family.id, now, issuer)),
    ],
    audit: [
      {
        event: more.event ?? 'sessions.ended',
        time: now,
        userId: user.id,
        ...(more.keep && { sessionId: more.keep.session.id }),
        facts: { reason, epoch, ...(more.by && { by: more.by }), kept: more.keep ? 1 : 0 },
        ...personalOf(more.device),
      },
    ],
    durable: true,
    time: now,
  }
}

function restamp(keep: SessionSnapshot, userEpoch: number): Write[] {
  const stamped = <R extends Session | Family>(row: R): R => ({ ...row, epochs: { ...row.epochs, user: userEpoch } })
  return [
    { table: 'session', row: stamped(keep.session) },
    ...keep.families
      .filter(family => family.endedAt === null)
      .map((family): Write => ({ table: 'family', row: stamped(family) })),
  ]
}

/** Why a session is over, or `undefined` while it lives. */
export function sessionIsOver(
  session: Session,
  rows: { now: Instant; issuer: Issuer; user: User },
): 'session_ended' | 'authorization_revoked' | 'user_disabled' | 'session_expired' | undefined {
  if (session.endedAt !== null) return 'session_ended'
  // Before the epoch: disabling raises it too, and the more telling reason is wanted.
  if (!mayUse(rows.user)) return 'user_disabled'
  if ((session.epochs.user ?? 0) < rows.user.epoch) return 'authorization_revoked'
  if (rows.now >= session.absoluteEndAt) return 'session_expired'
  return undefined
}
