import type { Instant } from '../ids.ts'

/** What happened, in the words of `docs/audit.md`. */
export const auditEvents = [
  'user.created',
  'user.disabled',
  'user.enabled',
  'user.deleted',
  'user.password_changed',
  'user.rights_changed',
  'user.address_verified',
  'user.impersonated',
  'invitation.made',
  'invitation.withdrawn',
  'identity.linked',
  'identity.unlinked',
  'session.created',
  'session.reauthenticated',
  'session.ended',
  'sessions.ended',
  'family.created',
  'family.ended',
  'token.revoked',
  'refresh.leaked',
  'refresh.fast_forwarded',
  'refresh.replay_flagged',
  'refresh.credit_spent',
  'refresh.reused',
  'code.reused',
  'device.approved',
  'client.registered',
  'client.changed',
  'client.secrets_changed',
  'client.revoked',
  'grant.allowed',
  'grant.withdrawn',
  'grant.renewed',
  'keys.turned',
  'key.retired',
  'all.revoked',
  'audit.pruned',
] as const

export type AuditEvent = (typeof auditEvents)[number]

/**
 * One audited change. The store numbers the rows without a gap and chains their hashes. `personal` is sealed under
 * the user's own key before it is written, so that erasing the key erases it and the chain stays whole.
 */
export interface AuditRecord {
  readonly event: AuditEvent
  readonly time: Instant
  readonly userId?: string
  readonly clientId?: string
  readonly sessionId?: string
  readonly familyId?: string
  /** Words and numbers of ours; never personal, never a secret. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>
  /** Address, device. */
  readonly personal?: Readonly<Record<string, string>>
}
