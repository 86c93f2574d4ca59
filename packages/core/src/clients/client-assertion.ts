import type { UsedOnce } from '../grant-types/short-lived.ts'
import { hashCode } from '../grant-types/short-lived-row.ts'
import type { Instant } from '../ids.ts'

/** A client's assertion whose signature is right (RFC 7523 §3). */
export interface ClientAssertion {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** An assertion is good for so long at most; whoever makes one makes it for one request. */
const longestLifeSeconds = 300
const clockToleranceSeconds = 60
const longestId = 256
const acceptedTypes: readonly unknown[] = [undefined, 'JWT', 'jwt', 'client-authentication+jwt']

/**
 * Judges the claims of a client's assertion: made by the client about itself, for this server, short-lived, with an id. Gives the row that uses the id
 * up: whoever writes it first has authenticated. `undefined` if anything is wrong; what is not told.
 *
 * `aud` is one string, the issuer's identifier or the token endpoint's own address, to the letter. An array is refused: one assertion for two servers lets
 * either use it at the other (CVE-2025-27370, CVE-2025-27371).
 */
export function judgeClientAssertion(
  { header, claims }: ClientAssertion,
  expected: { readonly clientId: string; readonly audiences: readonly string[]; readonly now: Instant },
): UsedOnce | undefined {
  const { clientId, audiences, now } = expected
  const { iss, sub, aud, jti, exp, nbf, iat } = claims
  const nowSeconds = now / 1000
  if (!acceptedTypes.includes(header.typ) || iss !== clientId || sub !== clientId) return undefined
  if (typeof aud !== 'string' || !audiences.includes(aud)) return undefined
  if (typeof jti !== 'string' || jti === '' || jti.length > longestId) return undefined
  if (!isTime(exp) || exp + clockToleranceSeconds <= nowSeconds) return undefined
  if (exp > nowSeconds + longestLifeSeconds + clockToleranceSeconds) return undefined
  for (const since of [nbf, iat]) {
    if (since !== undefined && (!isTime(since) || since > nowSeconds + clockToleranceSeconds)) return undefined
  }
  const expiresAt = Math.ceil((exp + clockToleranceSeconds) * 1000)
  return { hash: hashCode(JSON.stringify(['client assertion', clientId, jti])), expiresAt, version: 0 }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
