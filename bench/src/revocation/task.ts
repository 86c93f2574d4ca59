/** Given as JSON in the first argument. */
export interface RevocationTask {
  readonly issuer: string
  readonly audience: string
  readonly clientId: string
  readonly backEnd: { readonly id: string; readonly secret: string }
  readonly verifiers: number
  /** A JSON array of `RevocableLogin`: too long for an argument. Each is revoked once. */
  readonly loginsFile: string
}

export interface RevocableLogin {
  readonly accessToken: string
  readonly refreshToken: string
}

/** Milliseconds, over all revocations and verifiers. */
export interface Summary {
  readonly p50: number
  readonly p99: number
  readonly longest: number
}

export interface RevocationResult {
  /** From sending the revoking request until the verifier was seen to refuse the token. */
  readonly fromSent: Summary
  /** From its answer; 0 where the verifier knew before the answer was read. */
  readonly fromAnswered: Summary
}
