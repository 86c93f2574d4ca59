import { type Reason, reasonHeader } from '@countersign/protocol'
import type { ProofKey } from './dpop.ts'
import { tokenFailure } from './failure.ts'
import type { Holding } from './holding.ts'
import { type IssuerAnswer, isAboutProof } from './issuer-answer.ts'
import { within } from './platform.ts'

export interface IssuerRequest {
  /** Below the issuer's address. */
  readonly path: string
  /** A form, or a value that is sent as JSON. */
  readonly body: URLSearchParams | object
  readonly headers?: Record<string, string>
  readonly key?: ProofKey | undefined
  /** For a proof that goes along with an access token of type `DPoP`. */
  readonly accessToken?: string | undefined
  /** True for a request that must go out even if the page is being left. */
  readonly outlivesPage?: boolean
}

/** Longest wait for one exchange with the issuer, its second try included. */
const exchangeLimit = 10_000

/** Posts to the issuer. Throws a `TokenFailure` if there is no answer in time; a browser does not say why, so both causes are named. */
export function askIssuer(holding: Holding, request: IssuerRequest): Promise<IssuerAnswer> {
  const abort = new AbortController()
  const exchange = async () => {
    const answer = await send(holding, request, abort.signal)
    // Wrong clock or missing nonce: the answer has told what was missing, so once more.
    const again = request.key && answer.reason && isAboutProof(answer)
    return again ? send(holding, request, abort.signal) : answer
  }
  return within(holding.platform, exchangeLimit, exchange())
    .catch(() => {
      throw tokenFailure('unavailable', `No answer from ${holding.issuer}`)
    })
    .finally(() => abort.abort())
}

async function send(holding: Holding, request: IssuerRequest, signal: AbortSignal): Promise<IssuerAnswer> {
  const { body, key, accessToken } = request
  const { clock } = holding.platform
  const form = body instanceof URLSearchParams
  const headers = new Headers(request.headers)
  if (!form) headers.set('Content-Type', 'application/json')
  const sent = { now: clock.now(), monotonic: clock.monotonic() }
  const url = holding.issuer + request.path
  const method = 'POST'
  const init: RequestInit & { headers: Headers } = {
    method,
    headers,
    body: form ? body : JSON.stringify(body),
    signal,
    // A captive portal redirects; the issuer does not.
    redirect: 'error',
    credentials: 'omit',
    keepalive: !!request.outlivesPage,
  }
  const response = await holding.fetchWithProof(url, init, { url, method, key, accessToken, skew: holding.skew })
  const answer = Object(await response.json().catch(() => {}))
  if (answer.server_time > 0) holding.skew = answer.server_time * 1000 - clock.now()
  const reason = response.headers.get(reasonHeader)
  return {
    status: response.status,
    reason: reason && reason === answer.reason && !response.redirected ? (reason as Reason) : undefined,
    body: answer,
    retryAfter: retryAfter(response.headers.get('Retry-After') ?? '', clock.now() + holding.skew),
    sent,
  }
}

/**
 * RFC 9110 §10.2.3: seconds, or a date by the server's clock. At most an hour: an answer of anybody's must not silence
 * us for longer.
 */
function retryAfter(value: string, serverTime: number): number {
  const wait = Number(value) * 1000 || Date.parse(value) - serverTime
  return Math.min(Math.max(wait || 0, 0), 3_600_000)
}
