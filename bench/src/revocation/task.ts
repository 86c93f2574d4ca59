/** Given as JSON in the first argument. */
export interface RevocationTask {
  readonly issuer: string
  readonly audience: string
  readonly clientId: string
  readonly backEnd: { readonly id: string; readonly secret: string }
  readonly verifiers: number
  /** Each is revoked once. */
  readonly logins: readonly { readonly accessToken: string; readonly refreshToken: string }[]
}

/** Milliseconds, one for each revocation and verifier. */
export interface RevocationResult {
  /** From sending the revoking request until the verifier was seen to refuse the token. */
  readonly fromSent: readonly number[]
  /** From its answer; 0 where the verifier knew before the answer was read. */
  readonly fromAnswered: readonly number[]
}
