/** Thrown where no token can be given: nobody is signed in, or the issuer or the storage cannot be reached right now. */
export interface TokenFailure extends Error {
  readonly code: 'signed_out' | 'unavailable'
  /** For `unavailable`: milliseconds since 1970 (this device's clock) when it is tried again, if it is. */
  readonly retryAt?: number | undefined
}

export function tokenFailure(code: TokenFailure['code'], message: string, retryAt?: number): TokenFailure {
  return Object.assign(new Error(message), { name: 'TokenFailure', code, retryAt })
}
