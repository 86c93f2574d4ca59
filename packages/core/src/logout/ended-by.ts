import type { AuditEvent, AuditRecord } from '../audit/audit.ts'
import type { EndReason, Family, Session } from '../sessions/session.ts'

/** What an audit record may have ended. */
export type Ended =
  /** One session, or a family in it; the session's row says which. */
  | { readonly sessionId: string; readonly userId?: never }
  /** All sessions that stood under this epoch of the user. */
  | { readonly userId: string; readonly epoch: number }

const endsOne: ReadonlySet<AuditEvent> = new Set<AuditEvent>(['session.ended', 'refresh.reused', 'code.reused'])

/** Of a session that lives on: what the client has lost, and does not know of itself. */
const news: ReadonlySet<unknown> = new Set<EndReason>([
  'refresh_token_reused',
  'code_reused',
  'ended_by_user',
  'grant_withdrawn',
])

const endsAll: ReadonlySet<AuditEvent> = new Set<AuditEvent>([
  'sessions.ended',
  'user.disabled',
  'user.deleted',
  'user.password_changed',
])

/** `undefined` if it ended nothing that a client does not know of itself: whoever gives its own refresh token back is not told. */
export function endedBy({ event, sessionId, userId, facts }: AuditRecord): Ended | undefined {
  const endsLogin = event === 'family.ended' && news.has(facts?.reason)
  if ((endsOne.has(event) || endsLogin) && sessionId !== undefined) return { sessionId }
  if (!endsAll.has(event) || userId === undefined || typeof facts?.epoch !== 'number') return undefined
  return { userId, epoch: facts.epoch - 1 }
}

/**
 * The clients that had a login in a session to its end; of a session that lives on, those that have lost their last one by no act of their own. What was over before, by
 * itself or by the client, is no news.
 */
export function clientsToTell(session: Session, families: readonly Family[]): readonly string[] {
  const { endedAt } = session
  const lived = families.filter(
    family => family.endedAt === null || (family.endedAt === endedAt && family.endReason !== 'signed_out'),
  )
  if (endedAt !== null) return distinct(lived)
  const living = distinct(lived)
  const lost = families.filter(({ endReason }) => news.has(endReason))
  return distinct(lost).filter(clientId => !living.includes(clientId))
}

/** The clients in a session that an epoch has outlived: none of its rows says so. */
export function clientsOutlived(families: readonly Family[]): readonly string[] {
  return distinct(families.filter(({ endedAt }) => endedAt === null))
}

function distinct(families: readonly Family[]): readonly string[] {
  return [...new Set(families.map(({ clientId }) => clientId))]
}
