import { createHash } from 'node:crypto'
import type { ShortLived } from '../grant-types/short-lived-row.ts'
import type { Instant } from '../ids.ts'

/** A client is to be told that a session has ended (OpenID Connect Back-Channel Logout §2.5). There is one at most for each session and client. */
export interface LogoutDelivery extends ShortLived {
  readonly clientId: string
  readonly sessionId: string
  readonly userId: string
  /** How often it has been tried. */
  readonly attempts: number
  /** When it is to be tried; null: it was told, or given up. */
  readonly dueAt: Instant | null
}

/** How far a reader of the audit log has come. Kept for good: its `expiresAt` never comes. */
export interface AuditPlace extends ShortLived {
  /** Everything up to this row has been acted on. */
  readonly number: number
}

/** Longer than all attempts take: what is not told by then is not told. */
const keptMs = 2 * 86_400_000

/** How long to wait after each attempt that failed; after the last one it is given up. Seconds. */
const pausesSeconds = [5, 30, 2 * 60, 10 * 60, 3_600, 6 * 3_600]

export const logoutAttemptsAtMost: number = pausesSeconds.length + 1

/** For now. `before`: the row that there is already; one that still waits is enough. */
export function newLogoutDelivery(
  told: Pick<LogoutDelivery, 'clientId' | 'sessionId' | 'userId'>,
  now: Instant,
  before: LogoutDelivery | undefined,
): LogoutDelivery | undefined {
  if (before !== undefined && before.dueAt !== null) return undefined
  const { clientId, sessionId, userId } = told
  return {
    hash: logoutDeliveryHash(sessionId, clientId),
    clientId,
    sessionId,
    userId,
    attempts: 0,
    dueAt: now,
    expiresAt: now + keptMs,
    version: before?.version ?? 0,
  }
}

export function logoutDeliveryHash(sessionId: string, clientId: string): string {
  return createHash('sha256').update(`${sessionId} ${clientId}`).digest('base64url')
}

/**
 * The attempt is written down before it is made: of many nodes one makes it. Should that one die over it, the delivery is due again when the attempt can have
 * come to nothing and the pause after it is over.
 */
export function beginLogoutAttempt(delivery: LogoutDelivery, now: Instant, timeoutMs: number): LogoutDelivery {
  const pause = pausesSeconds[delivery.attempts] ?? 0
  return { ...delivery, attempts: delivery.attempts + 1, dueAt: now + timeoutMs + pause * 1000 }
}

/** Not now: the client does not answer at all. This is no attempt. */
export function postponeLogout(delivery: LogoutDelivery, until: Instant): LogoutDelivery {
  return { ...delivery, dueAt: until }
}

/** It was told, or need not be, or is given up: the sweep may have the row. */
export function finishLogout(delivery: LogoutDelivery, now: Instant): LogoutDelivery {
  return { ...delivery, dueAt: null, expiresAt: now }
}
