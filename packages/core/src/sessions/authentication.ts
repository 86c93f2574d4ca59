import type { Instant } from '../ids.ts'
import type { Family, Session } from './session.ts'

/** When and how a user has shown who they are. */
export interface Authentication {
  readonly at: Instant
  /** RFC 8176. */
  readonly amr: readonly string[]
}

/** The authentication that a family's tokens speak of. */
export function authenticationOf(session: Session, _family?: Family): Authentication {
  return { at: session.authenticatedAt, amr: session.amr }
}

/** The values of `acr` (OpenID Connect Core §2) that this server can tell, the weaker first: one factor, two. */
export const acrValues = ['urn:countersign:acr:1fa', 'urn:countersign:acr:2fa'] as const

export type Acr = (typeof acrValues)[number]

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
