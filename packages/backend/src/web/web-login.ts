/** What is known of the person, out of the ID token (OpenID Connect Core §5.1); nothing that a page may not show. */
export type Person = Readonly<Record<string, unknown>> & { readonly sub: string }

/** A login as the token handler keeps it: sealed in the browser's cookie, or sealed in a store. Never seen by the browser. */
export interface WebLogin {
  /** Random; the anti-forgery token is made from it. */
  readonly id: string
  /** Which secret's proof key the refresh token is bound to. */
  readonly keyId: string
  readonly accessToken: string
  /** Milliseconds since 1970, by this back end's clock. */
  readonly accessEndsAt: number
  /** Null: the issuer gave none, and the login ends with its access token. */
  readonly refreshToken: string | null
  readonly person: Person
  /** Kept only where a sign-out leads to the issuer: it shows there whose sign-out it is. */
  readonly idToken?: string
  /** When the person signed in; milliseconds since 1970. */
  readonly begunAt?: number
}
