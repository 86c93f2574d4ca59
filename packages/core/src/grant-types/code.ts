import type { Epochs } from '@countersign/protocol'
import type { Instant } from '../ids.ts'

/** An authorization code (RFC 6749 §4.1.2). The code itself is not stored, only its hash. */
export interface AuthorizationCode {
  /** SHA-256 of the code, base64url. */
  readonly hash: string
  readonly clientId: string
  readonly userId: string
  readonly sessionId: string
  readonly redirectUri: string
  /** S256 challenge (RFC 7636 §4.2). */
  readonly challenge: string
  readonly scope: string
  readonly expiresAt: Instant
  readonly usedAt: Instant | null
  /** What it gave, once used. */
  readonly familyId: string | null
  /** How often a wrong verifier was presented; at a few the code is burnt. */
  readonly failures: number
  readonly epochs: Epochs
  readonly version: number
}
