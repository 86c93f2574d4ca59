import { finalRefreshReasons, type Reason, reasonHeader, type TokenAnswer } from '@countersign/protocol'
import { createProof, type ProofKey } from './dpop.ts'
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
  readonly method?: string
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

/** Makes the function that talks to the issuer. It remembers the issuer's last nonce (RFC 9449 §8.2). */
export function createIssuerClient(platform: Platform): (request: IssuerRequest) => Promise<IssuerAnswer> {
  let nonce: string | undefined

  async function send(request: IssuerRequest, signal: AbortSignal): Promise<IssuerAnswer> {
    const { url, method = 'POST', body, key } = request
    const form = body instanceof URLSearchParams
    const headers: Record<string, string> = { ...request.headers }
    if (!form) headers['Content-Type'] = 'application/json'
    if (key) headers.DPoP = await createProof(platform, key, { ...request, method, nonce })
    const { clock } = platform
    const sent = { now: clock.now(), monotonic: clock.monotonic() }
    const response = await platform.fetch(url, {
      method,
      headers,
      body: form ? body : JSON.stringify(body),
      signal,
      // A captive portal redirects; the issuer does not.
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      keepalive: request.outlivesPage === true,
    })
    const text = await response.text()
    nonce = response.headers.get('DPoP-Nonce') ?? nonce
    const json = /json/i.test(response.headers.get('Content-Type') ?? '') ? parse(text) : {}
    const reason = response.headers.get(reasonHeader)
    const own = !response.url || new URL(response.url).origin === new URL(url).origin
    const serverTime = json.server_time
    return {
      status: response.status,
      reason: own && reason && reason === json.reason ? (reason as Reason) : undefined,
      body: json,
      retryAfter: retryAfter(response.headers.get('Retry-After'), clock.now()),
      sent,
      skew: typeof serverTime === 'number' ? serverTime * 1000 - clock.now() : request.skew,
    }
  }

  return async request => {
    const abort = new AbortController()
    const exchange = async () => {
      const before = nonce
      const answer = await send(request, abort.signal)
      const { error } = answer.body
      const again =
        request.key &&
        answer.reason &&
        ((error === 'use_dpop_nonce' && nonce !== before) ||
          (error === 'invalid_dpop_proof' && answer.skew !== request.skew))
      return again ? send({ ...request, skew: answer.skew }, abort.signal) : answer
    }
    try {
      return await within(platform, exchangeLimit, exchange())
    } finally {
      abort.abort()
    }
  }
}

/** An empty object for anything that is not a JSON object. */
function parse(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

/** RFC 9110 §10.2.3: seconds or a date. At most an hour: an answer of anybody's must not silence us for longer. */
function retryAfter(value: string | null, now: number): number {
  const wait = /^\d+$/.test(value ?? '') ? Number(value) * 1000 : Date.parse(value ?? '') - now
  return Math.min(Math.max(wait || 0, 0), 3_600_000)
}

/** True for a body with everything that a token answer must have (RFC 6749 §5.1). */
export function isTokenAnswer(body: Partial<TokenAnswer>): body is TokenAnswer {
  return (
    typeof body.access_token === 'string' &&
    /^(Bearer|DPoP)$/.test(body.token_type ?? '') &&
    (body.expires_in ?? 0) > 0 &&
    /^(string|undefined)$/.test(typeof body.refresh_token)
  )
}

export type RefreshVerdict = 'tokens' | 'final' | 'misconfigured' | 'later'

/**
 * What an answer to a refresh means. `final`: the refresh token will never work again; only the issuer's own refusal
 * with a reason of the list says that. `misconfigured`: this client cannot refresh until a developer does something,
 * and the login is not to blame. Everything else, whoever said it, is `later`.
 */
export function judgeRefresh({ status, reason, body }: IssuerAnswer): RefreshVerdict {
  if (status === 200 && isTokenAnswer(body)) return 'tokens'
  if (reason && (status === 400 || status === 401)) {
    if (finalRefreshReasons.has(reason)) return 'final'
    if (!/dpop/.test(String(body.error)) || reason === 'proof_required') return 'misconfigured'
  }
  return 'later'
}
