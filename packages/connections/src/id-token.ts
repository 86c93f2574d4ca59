import { type Refusal, refuse } from '@countersign/protocol'
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { ServerMetadata } from 'openid-client'
import { ConnectionUnavailable } from './connection.ts'
import type { Claims } from './preset.ts'
import type { ProviderFetch } from './provider-fetch.ts'

/** Asymmetric alone: a provider's public key can never become a shared secret here (CVE-2023-48223). */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** Judges an ID token of one provider (OpenID Connect Core §3.1.3.7). */
export type VerifyIdToken = (token: string, expected: ExpectedIdToken) => Promise<Claims | Refusal>

/** Judges a security event token (RFC 8417): of the issuer, for us, under its keys. It has an id and does not expire. */
export type VerifySecurityEvent = (
  token: string,
  expected: Pick<ExpectedIdToken, 'metadata' | 'audiences'>,
) => Promise<Claims | Refusal>

export interface ExpectedIdToken {
  readonly metadata: ServerMetadata
  /** Clients of ours, one of which it must be made for. */
  readonly audiences: readonly string[]
  /** `undefined`: it must not have one, unless the provider repeats none. */
  readonly nonce: string | undefined
  readonly ignoresNonce?: boolean
}

export function createTokenVerifiers(options: {
  readonly fetch: ProviderFetch
  readonly clock: () => number
  /** How often the provider's keys are looked for at most, if a token names one that is not known. */
  readonly keyCooldownMs: number
}): { readonly idToken: VerifyIdToken; readonly securityEvent: VerifySecurityEvent } {
  const { fetch, clock, keyCooldownMs } = options
  const keySets = new Map<string, JWTVerifyGetKey>()

  function keysAt(address: string): JWTVerifyGetKey {
    const known = keySets.get(address)
    if (known !== undefined) return known
    const made = createRemoteJWKSet(new URL(address), {
      [customFetch]: (url, init) => fetch(url, init as RequestInit),
      cooldownDuration: keyCooldownMs,
    })
    keySets.set(address, made)
    return made
  }

  const idToken: VerifyIdToken = async (token, { metadata, audiences, nonce, ignoresNonce = false }) => {
    if (metadata.jwks_uri === undefined) return refuse('connection_answer_invalid', { detail: 'It has no keys.' })
    try {
      const { payload } = await jwtVerify(token, keysAt(metadata.jwks_uri), {
        algorithms,
        audience: [...audiences],
        currentDate: new Date(clock()),
        clockTolerance: 30,
        requiredClaims: ['iss', 'sub', 'exp', 'iat'],
      })
      const wrong = wrongClaim(payload, metadata, audiences) ?? (ignoresNonce ? undefined : wrongNonce(payload, nonce))
      return wrong === undefined ? payload : refuse('connection_answer_invalid', { detail: wrong })
    } catch (error) {
      if (error instanceof ConnectionUnavailable) throw error
      if (!(error instanceof errors.JOSEError)) throw error
      return refuse('connection_answer_invalid', { detail: `The ID token: ${error.code}.` })
    }
  }
  const securityEvent: VerifySecurityEvent = async (token, { metadata, audiences }) => {
    if (metadata.jwks_uri === undefined) return refuse('security_event_invalid', { detail: 'It has no keys.' })
    try {
      const { payload } = await jwtVerify(token, keysAt(metadata.jwks_uri), {
        algorithms,
        issuer: metadata.issuer,
        audience: [...audiences],
        currentDate: new Date(clock()),
        requiredClaims: ['iat', 'jti'],
      })
      return payload
    } catch (error) {
      if (error instanceof ConnectionUnavailable) throw error
      if (!(error instanceof errors.JOSEError)) throw error
      return refuse('security_event_invalid', { detail: `The security event: ${error.code}.` })
    }
  }

  return { idToken, securityEvent }
}

function wrongClaim(payload: JWTPayload, metadata: ServerMetadata, audiences: readonly string[]): string | undefined {
  // Microsoft's issuer for all tenants has a place for the tenant's id.
  const { tid } = payload
  const issuer = typeof tid === 'string' ? metadata.issuer.replace('{tenantid}', tid) : metadata.issuer
  if (payload.iss !== issuer) return 'The ID token has another issuer.'
  const { azp } = payload
  const isSingle = typeof payload.aud === 'string' || payload.aud?.length === 1
  // The token may have been asked for by another client of the same project (Google's Android apps): all that counts is whether it is for us.
  if (!isSingle && (typeof azp !== 'string' || !audiences.includes(azp))) return 'The ID token is for others too.'
  return undefined
}

function wrongNonce(payload: JWTPayload, nonce: string | undefined): string | undefined {
  return payload.nonce === nonce ? undefined : 'The nonce of the ID token is another one.'
}
