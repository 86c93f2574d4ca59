import type { Refusal } from '@countersign/protocol'

/**
 * The issuer could not be asked, or did not answer as it should. Neither the message nor any member holds a token,
 * a secret or what the issuer wrote.
 */
export class CallFailure extends Error {
  override readonly name = 'CallFailure'
  /** HTTP status, if there was an answer. */
  readonly status: number | undefined
  /** Seconds until another try makes sense, if the issuer said so (`Retry-After`). */
  readonly retryAfterSeconds: number | undefined
  /** Where no machine token is given: why the token endpoint refuses this client. Trying again does not help. */
  readonly refusal: Refusal | undefined

  constructor(
    message: string,
    more: { status?: number; retryAfterSeconds?: number | undefined; refusal?: Refusal } = {},
  ) {
    super(message)
    this.status = more.status
    this.retryAfterSeconds = more.retryAfterSeconds
    this.refusal = more.refusal
  }
}
