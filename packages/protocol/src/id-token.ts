/** The claims of an ID token (OpenID Connect Core §2), and what was asked for besides. Times are seconds since 1970. */
export interface IdTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string
  readonly exp: number
  readonly iat: number
  readonly auth_time: number
  readonly nonce?: string
  readonly acr?: string
  readonly amr: readonly string[]
  readonly at_hash: string
  /** Session id, as in the access token and in a logout token. */
  readonly sid: string
  readonly [claim: string]: unknown
}
