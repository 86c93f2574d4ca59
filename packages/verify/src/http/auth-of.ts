import type { VerifiedClaims } from '../claims.ts'
import type { Verified } from '../verifier.ts'

const verified = new WeakMap<object, Verified>()

/** Keeps what was found good with its request; not in a field that something else could write. */
export function rememberAuth(request: object, auth: Verified | undefined): void {
  if (auth !== undefined) verified.set(request, auth)
}

/** What `protect` found good about this request. Undefined on optional and public routes without a token. */
export function authOf(request: object): Verified | undefined {
  return verified.get(request)
}

/** The claims of this request's token. Throws a TypeError where no `protect` stands in front, or it let pass without. */
export function claimsOf(request: object): VerifiedClaims {
  const auth = verified.get(request)
  if (auth === undefined) throw new TypeError('the request has no verified token: is the route behind protect()?')
  return auth.claims
}
