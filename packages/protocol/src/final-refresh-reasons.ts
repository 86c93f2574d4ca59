import type { Reason } from './reasons.ts'

/**
 * Reasons at the token endpoint after which a refresh token will never work again: the only ones after which an app
 * signs out. In a file of its own because the table of reasons is too large for a browser's bundle.
 */
export const finalRefreshReasons: ReadonlySet<Reason> = new Set<Reason>([
  'refresh_token_invalid',
  'family_unknown',
  'client_mismatch',
  'refresh_token_reused',
  'session_ended',
  'authorization_revoked',
  'user_disabled',
  'session_idle_expired',
  'session_expired',
  'proof_key_mismatch',
])
