import type { AuditRecord } from '../audit/audit.ts'
import type { Change } from '../change.ts'
import type { Instant } from '../ids.ts'
import { personalOf } from '../sessions/end-sessions.ts'
import type { Device } from '../sessions/session.ts'
import type { Identity, User } from './user.ts'

/** The user with the address shown to be theirs. */
export function verifyAddress(user: User, rows: { readonly now: Instant; readonly device: Device }): Change {
  const { now, device } = rows
  const audit: AuditRecord = { event: 'user.address_verified', time: now, userId: user.id, ...personalOf(device) }
  const writes: Change['writes'] =
    user.emailVerifiedAt === null ? [{ table: 'user', row: { ...user, emailVerifiedAt: now } }] : []
  return { writes, audit: writes.length === 0 ? [] : [audit], entries: [], durable: true, time: now }
}

/**
 * Somebody shows for the first time that the address of an account is theirs, without having signed in to it: whoever made the account may have been another, who did
 * not have the address (attack 34, GHSA-qq9h-g4jm-xgf3). Ways to sign in that were added by then are taken off it; the password is replaced, and the sessions end, by
 * the change that this goes along with.
 */
export function takeAccountOver(
  user: User,
  identities: readonly Identity[],
  rows: { readonly now: Instant; readonly device: Device },
): Pick<Change, 'writes' | 'audit'> {
  const { now, device } = rows
  if (user.emailVerifiedAt !== null) return { writes: [], audit: [] }
  const verified: AuditRecord = { event: 'user.address_verified', time: now, userId: user.id, ...personalOf(device) }
  return {
    writes: identities.map(identity => ({
      table: 'identity',
      row: { ...identity, unlinkedAt: now, told: null, sealedTokens: null },
    })),
    audit: [
      verified,
      ...identities.map(
        ({ connection }): AuditRecord => ({
          event: 'identity.unlinked',
          time: now,
          userId: user.id,
          facts: { connection },
          ...personalOf(device),
        }),
      ),
    ],
  }
}
