import { hash } from 'node:crypto'
import type { IdTokenClaims } from '@countersign/protocol'
import type { Client } from '../clients/client.ts'
import type { Instant } from '../ids.ts'
import type { SigningAlgorithm } from '../keys/key-ring.ts'
import { acrOf, authenticationOf } from '../sessions/authentication.ts'
import type { Family, Session } from '../sessions/session.ts'
import { claimsAbout } from '../users/standard-claims.ts'
import type { User } from '../users/user.ts'
import { singleClaims } from './single-claims.ts'

/** `typ` of an ID token: it says that this is no access token (RFC 8725 §3.11). */
export const idTokenType = 'JWT'

export interface IdTokenRequest {
  readonly issuer: string
  readonly client: Client
  readonly user: User
  /** The user, as the client may know them (`subjectOf`). */
  readonly sub: string
  /** The session, as the client may know it (`sessionNameFor`). */
  readonly sid: string
  readonly session: Session
  readonly family: Family
  /** Of the authorization request; null: none was sent, or this is a refresh (OpenID Connect Core §12.2). */
  readonly nonce: string | null
  /** The access token that goes out beside it. */
  readonly accessToken: string
  /** What the operator wants in it (`mappedClaims`). */
  readonly own: Readonly<Record<string, unknown>>
  readonly now: Instant
}

/**
 * The claims of an ID token (OpenID Connect Core §2, §3.1.3.6, §12.2). It lives as long as its client's access tokens do. What a scope tells of the
 * person is for UserInfo (§5.4); only claims that were asked for here, one by one, stand in it.
 */
export function idTokenClaims(request: IdTokenRequest): IdTokenClaims {
  const { client, session, family, nonce, user } = request
  const issuedAt = Math.floor(request.now / 1000)
  const { at, amr } = authenticationOf(session, family)
  const acr = acrOf(amr)
  const end = Math.min(issuedAt + client.lifetimes.accessTokenSeconds, Math.floor(family.absoluteEndAt / 1000))
  return {
    ...request.own,
    ...claimsAbout(user, { scopes: [], single: singleClaims({ client, family }, 'id_token') }),
    iss: request.issuer,
    sub: request.sub,
    aud: client.id,
    exp: end,
    iat: issuedAt,
    auth_time: Math.floor(at / 1000),
    ...(nonce !== null && { nonce }),
    ...(acr !== undefined && { acr }),
    amr,
    at_hash: tokenHash(client.idTokenAlgorithm, request.accessToken),
    sid: request.sid,
  }
}

/** The left half of the hash that belongs to the algorithm (§3.1.3.6). Ed25519 hashes with SHA-512. */
function tokenHash(algorithm: SigningAlgorithm, token: string): string {
  const whole = hash(algorithm === 'EdDSA' ? 'sha512' : 'sha256', token, 'buffer')
  return whole.subarray(0, whole.length / 2).toString('base64url')
}
