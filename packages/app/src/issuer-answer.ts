import { finalRefreshReasons, type Reason, type TokenAnswer } from '@countersign/protocol'

/** An answer of the issuer, read to the end. */
export interface IssuerAnswer {
  readonly status: number
  /** The reason, if the answer is really the issuer's own refusal: header and JSON body say the same word. */
  readonly reason?: Reason | undefined
  readonly body: Record<string, unknown>
  /** Milliseconds, from `Retry-After`; 0 without. */
  readonly retryAfter: number
  /** When the request was sent, by both clocks: lifetimes are counted from here. */
  readonly sent: { readonly now: number; readonly monotonic: number }
}

/** `invalid_dpop_proof`, `use_dpop_nonce` (RFC 9449 §5, §8). */
export function isAboutProof({ body }: IssuerAnswer): boolean {
  return /dpop/.test(`${body.error}`)
}

/** True for a body with everything that a token answer must have (RFC 6749 §5.1). */
export function isTokenAnswer(body: Partial<TokenAnswer>): body is TokenAnswer {
  return (
    typeof body.access_token === 'string' && /^(Bearer|DPoP)$/.test(body.token_type ?? '') && (body.expires_in ?? 0) > 0
  )
}

export type RefreshVerdict = 'tokens' | 'final' | 'misconfigured' | 'later'

/**
 * What an answer to a refresh means. `final`: the refresh token will never work again; only the issuer's own refusal
 * with a reason of the list says that. `misconfigured`: this client cannot refresh until a developer does something,
 * and the login is not to blame. Everything else, whoever said it, is `later`.
 */
export function judgeRefresh(answer: IssuerAnswer): RefreshVerdict {
  const { status, reason, body } = answer
  if (status === 200 && isTokenAnswer(body)) return 'tokens'
  // 400 or 401: only a refusal has a reason.
  if (reason && status < 402) {
    if (finalRefreshReasons.has(reason)) return 'final'
    if (!isAboutProof(answer) || reason === 'proof_required') return 'misconfigured'
  }
  return 'later'
}
