import { finalRefreshReasons, type Reason, reasonHeader, type TokenAnswer } from '@countersign/protocol'
import type { FetchWithProof, ProofKey } from './dpop.ts'
import { type Platform, within } from './platform.ts'

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
  /** Corrected, if the answer told the server's time. */
  readonly skew: number
}

export interface IssuerRequest {
  readonly url: string
  /** A form, or a value that is sent as JSON. */
  readonly body: URLSearchParams | object
  readonly headers?: Record<string, string>
  readonly key?: ProofKey | undefined
  readonly skew: number
  /** For a proof that goes along with an access token of type `DPoP`. */
  readonly accessToken?: string | undefined
  /** True for a request that must go out even if the page is being left. */
  readonly outlivesPage?: boolean
}

/** Longest wait for one exchange with the issuer, its second try included. */
export const exchangeLimit = 10_000

/** Makes the function that talks to the issuer. It rejects if there is no answer in time. */
export function createIssuerClient(
  platform: Platform,
  fetchWithProof: FetchWithProof,
): (request: IssuerRequest) => Promise<IssuerAnswer> {
  async function send(request: IssuerRequest, signal: AbortSignal): Promise<IssuerAnswer> {
    const { body, key } = request
    const { clock } = platform
    const form = body instanceof URLSearchParams
    const headers = new Headers(request.headers)
    if (!form) headers.set('Content-Type', 'application/json')
    const sent = { now: clock.now(), monotonic: clock.monotonic() }
    const init: RequestInit & { headers: Headers } = {
      method: 'POST',
      headers,
      body: form ? body : JSON.stringify(body),
      signal,
      // A captive portal redirects; the issuer does not.
      redirect: 'error',
      credentials: 'omit',
      keepalive: !!request.outlivesPage,
    }
    const response = await fetchWithProof(request.url, init, { ...request, key, method: 'POST' })
    const answer = Object(await response.json().catch(() => {}))
    const skew = answer.server_time > 0 ? answer.server_time * 1000 - clock.now() : request.skew
    const reason = response.headers.get(reasonHeader)
    return {
      status: response.status,
      reason: reason && reason === answer.reason && !response.redirected ? (reason as Reason) : undefined,
      body: answer,
      retryAfter: retryAfter(response.headers.get('Retry-After') ?? '', clock.now() + skew),
      sent,
      skew,
    }
  }

  return async request => {
    const abort = new AbortController()
    const exchange = async () => {
      const answer = await send(request, abort.signal)
      // Wrong clock or missing nonce: the answer says what was missing, so once more.
      const again = request.key && answer.reason && isAboutProof(answer)
      return again ? send({ ...request, skew: answer.skew }, abort.signal) : answer
    }
    try {
      return await within(platform, exchangeLimit, exchange())
    } finally {
      abort.abort()
    }
  }
}

/** `invalid_dpop_proof`, `use_dpop_nonce` (RFC 9449 §5, §8). */
function isAboutProof({ body }: IssuerAnswer): boolean {
  return /dpop/.test(`${body.error}`)
}

/**
 * RFC 9110 §10.2.3: seconds, or a date by the server's clock. At most an hour: an answer of anybody's must not silence
 * us for longer.
 */
function retryAfter(value: string, serverTime: number): number {
  const wait = Number(value) * 1000 || Date.parse(value) - serverTime
  return Math.min(Math.max(wait || 0, 0), 3_600_000)
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
  if (reason && (status === 400 || status === 401)) {
    if (finalRefreshReasons.has(reason)) return 'final'
    if (!isAboutProof(answer) || reason === 'proof_required') return 'misconfigured'
  }
  return 'later'
}
