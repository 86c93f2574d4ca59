import type { Instant } from '../ids.ts'
import type { Authentication, Family, Session } from './session.ts'

/**
 * The authentication that a family's tokens speak of: the one of its authorization, for good (RFC 9068 §2.2.1, OpenID Connect Core §12.2). Signing in again
 * in the same browser for another application makes nobody else's tokens stronger.
 */
export function authenticationOf(session: Session, family?: Family): Authentication {
  return family?.authentication ?? { at: session.authenticatedAt, amr: session.amr }
}

/** The values of `acr` (OpenID Connect Core §2) that this server can tell, the weaker first: one factor, two. */
export const acrValues = ['urn:countersign:acr:1fa', 'urn:countersign:acr:2fa'] as const

export type Acr = (typeof acrValues)[number]

/** What the hosted sign-in can reach. */
export const reachableAmr: readonly string[] = ['pwd']

/** What is known, what is had, what one is (NIST SP 800-63B §2.2). */
const factorOf: Readonly<Record<string, 'knowledge' | 'possession' | 'inherence'>> = {
  pwd: 'knowledge',
  pin: 'knowledge',
  kba: 'knowledge',
  otp: 'possession',
  sms: 'possession',
  tel: 'possession',
  hwk: 'possession',
  swk: 'possession',
  sc: 'possession',
  face: 'inherence',
  fpt: 'inherence',
  iris: 'inherence',
  retina: 'inherence',
  vbm: 'inherence',
}

/** `acr` from `amr`, for ID tokens and access tokens alike. `undefined`: how they signed in is another's to know. */
export function acrOf(amr: readonly string[]): Acr | undefined {
  const factors = new Set(amr.flatMap(word => (Object.hasOwn(factorOf, word) ? (factorOf[word] ?? []) : [])))
  if (amr.includes('mfa') || factors.size > 1) return 'urn:countersign:acr:2fa'
  return factors.size === 1 ? 'urn:countersign:acr:1fa' : undefined
}

/** True if `acr` is one of the wanted, or stronger than one. */
export function acrSuffices(acr: Acr | undefined, wanted: readonly string[]): boolean {
  const level = acr === undefined ? -1 : acrValues.indexOf(acr)
  return acrValues.some((value, index) => index <= level && wanted.includes(value))
}

/** What an authorization request asks of the sign-in. */
export interface AuthenticationDemand {
  /** `prompt=login`, `prompt=select_account`, `max_age=0`: whatever there was before. */
  readonly afresh: boolean
  /** `max_age`, seconds; null: however long ago. */
  readonly maxAgeSeconds: number | null
  /** `acr_values`, or `acr` in `claims`; empty: any. */
  readonly acrValues: readonly string[]
  /** True: without one of `acrValues` the request fails (OpenID Connect Core §5.5.1.1). */
  readonly acrIsEssential: boolean
}

/**
 * Whether a session meets the demand. `since`: when the request first came, if it has led to the sign-in already; who has signed in after that is not asked
 * again. `unmet`: no sign-in here could be enough.
 */
export function judgeAuthentication(
  demand: AuthenticationDemand,
  { now, session }: { now: Instant; session: Session },
  since: Instant | undefined,
): 'enough' | 'sign_in' | 'unmet' {
  const isFresh = since !== undefined && session.authenticatedAt >= since
  const age = now - session.authenticatedAt
  const isStale = demand.afresh || (demand.maxAgeSeconds !== null && age > demand.maxAgeSeconds * 1000)
  if (isStale && !isFresh) return 'sign_in'
  if (demand.acrValues.length === 0 || acrSuffices(acrOf(session.amr), demand.acrValues)) return 'enough'
  if (!isFresh && acrSuffices(acrOf(reachableAmr), demand.acrValues)) return 'sign_in'
  return demand.acrIsEssential ? 'unmet' : 'enough'
}
