import type { AccessTokenClaims, Reason } from '@countersign/protocol'

type Required = 'iss' | 'sub' | 'aud' | 'exp' | 'iat'

/** The claims of a token that was found good; frozen, because they are shared between requests. */
export type VerifiedClaims = Pick<AccessTokenClaims, Required> &
  Partial<Omit<AccessTokenClaims, Required>> & { readonly [claim: string]: unknown }

export interface ClaimRules {
  readonly issuer: string
  /** The token must name one of them. */
  readonly audiences: readonly string[]
  /** Claims that must have exactly these values, for issuers that tell their kinds of token apart so. */
  readonly requiredClaims: ReadonlyMap<string, string>
  /** Seconds that `exp` may be past. */
  readonly clockToleranceSeconds: number
  /** The oldest version of the claim schema (`ver`) that is understood; undefined: whichever, or none. */
  readonly oldestSchema: number | undefined
}

/** How far `iat` and `nbf` may lie in the future: clocks differ, but not by much. */
const futureToleranceSeconds = 10

/**
 * Judges the claims that never change for a token (RFC 9068 §4, RFC 8725 §3.8–3.12). Values are compared as a whole:
 * an array as issuer, a part of a name or a pattern never matches.
 */
export function judgeClaims(claims: Readonly<Record<string, unknown>>, rules: ClaimRules): VerifiedClaims | Reason {
  if (claims.iss !== rules.issuer) return 'issuer_mismatch'
  if (!names(claims.aud, rules.audiences)) return 'audience_mismatch'
  if (!isNumber(claims.exp) || !isNumber(claims.iat)) return 'claims_invalid'
  if (claims.nbf !== undefined && !isNumber(claims.nbf)) return 'claims_invalid'
  if (claims.auth_time !== undefined && !isNumber(claims.auth_time)) return 'claims_invalid'
  if (typeof claims.sub !== 'string' || claims.sub === '') return 'claims_invalid'
  // A jti that is a number would slip through the revocations by its name.
  if (!isTextOrNone(claims.jti) || !isTextOrNone(claims.sid) || !isTextOrNone(claims.fam)) return 'claims_invalid'
  if (!isTextOrNone(claims.client_id) || !isTextOrNone(claims.scope) || !isTextOrNone(claims.acr))
    return 'claims_invalid'
  if (claims.epo !== undefined && !isEpochs(claims.epo)) return 'claims_invalid'
  if (claims.cnf !== undefined && !isObject(claims.cnf)) return 'claims_invalid'
  if (isIdOrLogoutToken(claims)) return 'token_type_unexpected'
  if (rules.oldestSchema !== undefined && !(isNumber(claims.ver) && claims.ver >= rules.oldestSchema))
    return 'token_outdated'
  for (const [name, value] of rules.requiredClaims) if (claims[name] !== value) return 'claims_invalid'
  return claims as VerifiedClaims
}

/** The times of a token, in seconds since 1970. */
export interface Times {
  readonly expiresSeconds: number
  readonly issuedSeconds: number
  /** 0 if the token does not say. */
  readonly notBeforeSeconds: number
}

/** Judges what changes with time, at every use of the token (RFC 7519 §4.1.4–4.1.6). */
export function judgeTimes(times: Times, nowSeconds: number, toleranceSeconds: number): Reason | undefined {
  if (nowSeconds >= times.expiresSeconds + toleranceSeconds) return 'token_expired'
  if (times.issuedSeconds > nowSeconds + futureToleranceSeconds) return 'token_issued_in_future'
  if (times.notBeforeSeconds > nowSeconds + futureToleranceSeconds) return 'token_not_yet_valid'
  return undefined
}

function names(value: unknown, audiences: readonly string[]): boolean {
  if (typeof value === 'string') return audiences.includes(value)
  if (!Array.isArray(value)) return false
  let isNamed = false
  for (const item of value) {
    if (typeof item !== 'string') return false
    if (audiences.includes(item)) isNamed = true
  }
  return isNamed
}

/** They share key and audience with access tokens at some issuers. */
function isIdOrLogoutToken(claims: Readonly<Record<string, unknown>>): boolean {
  const { at_hash: ofToken, c_hash: ofCode, s_hash: ofState, events } = claims
  return ofToken !== undefined || ofCode !== undefined || ofState !== undefined || events !== undefined
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isNumberOrNone(value: unknown): boolean {
  return value === undefined || isNumber(value)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEpochs(value: unknown): boolean {
  if (!isObject(value) || !isNumber(value.all)) return false
  if (value.via !== undefined && !(Array.isArray(value.via) && value.via.every(isOrigin))) return false
  if (!isNumberOrNone(value.claims)) return false
  return isNumberOrNone(value.user) && isNumberOrNone(value.client) && isNumberOrNone(value.grant)
}

/** What an exchanged token was made from (`TokenOrigin`): one that cannot be looked up would not be revoked with it. */
function isOrigin(value: unknown): boolean {
  if (!isObject(value) || typeof value.client_id !== 'string' || typeof value.jti !== 'string') return false
  return isNumberOrNone(value.client) && isNumberOrNone(value.grant)
}
