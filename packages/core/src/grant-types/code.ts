import type { Epochs } from '@countersign/protocol'
import type { Instant } from '../ids.ts'
import type { Authentication } from '../sessions/session.ts'
import type { ClaimsRequest } from '../tokens/claims-request.ts'
import type { ShortLived } from './short-lived-row.ts'

/** An authorization code (RFC 6749 §4.1.2). The code itself is not stored, only its hash. */
export interface AuthorizationCode extends ShortLived {
  readonly clientId: string
  readonly userId: string
  readonly sessionId: string
  readonly redirectUri: string
  /** S256 challenge (RFC 7636 §4.2); null: a confidential client that sends none. */
  readonly challenge: string | null
  readonly scope: string
  /** The APIs that it was asked for (RFC 8707), besides the issuer. */
  readonly audiences: readonly string[]
  /** How the user had signed in when they came with the request. */
  readonly authentication: Authentication
  /** For the ID token (OpenID Connect Core §3.1.2.1); null: none. */
  readonly nonce: string | null
  /** Single claims that were asked for (§5.5); null: none. */
  readonly claims: ClaimsRequest | null
  /** Thumbprint of the key that alone may redeem it (RFC 9449 §10); null: any. */
  readonly jkt: string | null
  readonly usedAt: Instant | null
  /** What it gave, once used. */
  readonly familyId: string | null
  /** How often a wrong verifier was presented; at a few the code is burnt. */
  readonly failures: number
  readonly epochs: Epochs
}
