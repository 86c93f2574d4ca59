import { reasonHeader } from '@countersign/protocol'
import { type Holding, live } from './holding.ts'
import { waitForToken } from './refresh.ts'
import type { LiveSession } from './stored-session.ts'

/** How long a token that was refused although it was brand-new is not renewed again because of a 401. */
const fruitlessPause = 30_000

/**
 * `fetch` with the access token on it, for the origins of the list and for nothing else. A 401 for our token renews
 * it (unless that has happened since) and sends the request once more, if its body can be sent again and the same
 * login still stands. Whatever comes then is the answer.
 */
export function createApiFetch(holding: Holding, ready: Promise<void>, origins: ReadonlySet<string>): typeof fetch {
  const { platform } = holding
  let fruitless: { readonly accessToken: string; readonly until: number } | undefined

  function send(call: Call, input: Request | string | URL, session: LiveSession): Promise<Response> {
    const { request, url, init, headers } = call
    const { accessToken, tokenType } = session
    headers.set('Authorization', `${tokenType} ${accessToken}`)
    return holding.fetchWithProof(
      input,
      { ...init, headers },
      {
        key: tokenType === 'DPoP' ? session.key : undefined,
        method: (init.method ?? request?.method ?? 'GET').toUpperCase(),
        url: url.origin + url.pathname,
        skew: holding.skew,
        accessToken,
      },
    )
  }

  /** Whether another token may help. A wrong password is a 401 too, and has nothing to do with the token. */
  function mayRenew({ headers }: Response, accessToken: string): boolean {
    const inVain = fruitless?.accessToken === accessToken && platform.clock.monotonic() < fruitless.until
    return !inVain && !headers.get(reasonHeader)?.startsWith('login_')
  }

  return async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined
    // As the browser would: against <base>, if there is one. What was checked is what is called.
    const url = new URL(
      request?.url ?? (input as string | URL),
      globalThis.document?.baseURI ?? globalThis.location?.href,
    )
    const headers = new Headers(init.headers ?? request?.headers)
    await ready
    const signedOut = holding.loaded && !live(holding)
    if (signedOut || !origins.has(url.origin) || headers.has('Authorization')) return platform.fetch(input, init)

    const call = { request, url, init, headers }
    const signal = init.signal ?? request?.signal
    const session = await unlessAborted(waitForToken(holding), signal)
    // A Request's body can be read once, so its copy is made before. A stream is gone when it has been sent.
    const again = request && init.body == null ? request.clone() : (request ?? url)
    const response = await send(call, request ?? url, session)
    if (response.status !== 401 || isStream(init.body)) return response

    const { accessToken, login } = session
    const challenged = response.headers.get('WWW-Authenticate')?.includes('use_dpop_nonce')
    if (!challenged && !mayRenew(response, accessToken)) return response
    try {
      const next = await unlessAborted(waitForToken(holding, challenged ? undefined : accessToken), signal)
      // Never under another login: what one user has written must not be sent by the next.
      if (next.login !== login) return response
      const second = await send(call, again, next)
      if (second.status === 401) {
        fruitless = { accessToken: next.accessToken, until: platform.clock.monotonic() + fruitlessPause }
      }
      return second
    } catch (error) {
      if ((error as Error).name === 'TokenFailure') return response
      throw error
    }
  }
}

interface Call {
  readonly request: Request | undefined
  readonly url: URL
  readonly init: RequestInit
  readonly headers: Headers
}

function isStream(body: unknown): boolean {
  return body instanceof ReadableStream || Symbol.asyncIterator in Object(body)
}

/** A call that is aborted while it waits for a token ends at once; the refresh, which others need too, goes on. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
