/** The epochs that an access token was made under; an entry of the feed kills lower values (design: revocation). */
export interface Epochs {
  readonly all: number
  readonly user?: number
  readonly client?: number
  readonly grant?: number
  /** Of what the token tells of its user: lower ones are outdated, and a new token is to be had. */
  readonly claims?: number
  /** Of an exchanged token: where it comes from, the nearest first. What kills one of these tokens kills it too. */
  readonly via?: readonly TokenOrigin[]
}

/** A token that another was made from (RFC 8693). */
export interface TokenOrigin {
  readonly client_id: string
  readonly jti: string
  readonly client?: number
  readonly grant?: number
}

/** Who acts, and on whose behalf that one does (RFC 8693 §4.1). */
export interface Actor {
  readonly sub: string
  readonly client_id?: string
  readonly act?: Actor
}

/** The claims of an access token: RFC 9068 §2.2 and ours. Times are seconds since 1970. */
export interface AccessTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly iat: number
  /** 12 random bytes ‖ 16 bytes of the countersign, base64url. */
  readonly jti: string
  readonly client_id: string
  readonly scope?: string
  readonly auth_time?: number
  readonly acr?: string
  readonly amr?: readonly string[]
  /** Session id: equal to `session_id` of the API and to the feed's id. Absent for machine tokens. */
  readonly sid?: string
  /** Family id. Absent for machine tokens. */
  readonly fam?: string
  readonly epo?: Epochs
  /** Who acts for the subject (RFC 8693 §4.1). */
  readonly act?: Actor
  /** Who alone may (§4.4). */
  readonly may_act?: { readonly sub?: string; readonly client_id?: string }
  /** Version of the claim schema, which the operator raises when it changes. */
  readonly ver?: number
  /** Proof of possession (RFC 7800): the thumbprint of the key that the token is bound to (RFC 9449 §6.1). */
  readonly cnf?: { readonly jkt?: string; readonly 'x5t#S256'?: string }
}

/** `typ` of an access token's header (RFC 9068 §2.1). */
export const accessTokenType = 'at+jwt'

/** The prefix of an access token that only its issuer can read. */
export const accessTokenPrefix = 'cs_at_'

/** The prefix by which secret scanners find a leaked refresh token. */
export const refreshTokenPrefix = 'cs_rt_'
