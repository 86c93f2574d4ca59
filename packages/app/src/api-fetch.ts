import { reasonHeader } from '@countersign/protocol'
import { createProof } from './dpop.ts'
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
  const nonces = new Map<string, string>()
  let fruitless: { readonly accessToken: string; readonly until: number } | undefined

  async function send(input: Request | string | URL, init: RequestInit, session: LiveSession): Promise<Response> {
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set('Authorization', `${session.tokenType} ${session.accessToken}`)
    const url = urlOf(input)
    if (session.tokenType === 'DPoP' && session.key) {
      const { accessToken, key, skew } = session
      const method = (init.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase()
      const nonce = nonces.get(url.origin)
      headers.set('DPoP', await createProof(platform, key, { method, url: url.href, skew, nonce, accessToken }))
    }
    const response = await platform.fetch(input, { ...init, headers })
    const nonce = response.headers.get('DPoP-Nonce')
    if (nonce) nonces.set(url.origin, nonce)
    return response
  }

  return async (input, init = {}) => {
    const url = urlOf(input)
    const own = init.headers ?? (input instanceof Request ? input.headers : undefined)
    await ready
    const signedOut = holding.loaded && !live(holding)
    if (signedOut || !origins.has(url.origin) || new Headers(own).has('Authorization')) {
      return platform.fetch(input, init)
    }
    const signal = init.signal ?? (input instanceof Request ? input.signal : undefined)
    const session = await unlessAborted(waitForToken(holding), signal)
    // A Request's body can be read once, so its copy is made before. A stream is gone when it has been sent.
    const again = input instanceof Request && init.body == null ? input.clone() : input
    const replayable = !isStream(init.body)
    const nonce = nonces.get(url.origin)
    const response = await send(input, init, session)
    if (response.status !== 401 || !replayable) return response

    const { accessToken, login } = session
    const challenged =
      nonces.get(url.origin) !== nonce && /use_dpop_nonce/.test(response.headers.get('WWW-Authenticate') ?? '')
    if (!challenged) {
      // A wrong password is a 401 too, and has nothing to do with the token.
      if (response.headers.get(reasonHeader)?.startsWith('login_')) return response
      const now = platform.clock.monotonic()
      if (fruitless?.accessToken === accessToken && now < fruitless.until) return response
    }
    try {
      const next = await unlessAborted(waitForToken(holding, challenged ? undefined : accessToken), signal)
      if (next.login !== login) return response
      await response.body?.cancel()
      const second = await send(again, init, next)
      if (second.status === 401) {
        fruitless = { accessToken: next.accessToken, until: platform.clock.monotonic() + fruitlessPause }
      }
      return second
    } catch (error) {
      if (signal?.aborted || (error as Error).name !== 'TokenFailure') throw error
      return response
    }
  }
}

function urlOf(input: Request | string | URL): URL {
  return new URL(input instanceof Request ? input.url : input, globalThis.location?.href)
}

function isStream(body: unknown): boolean {
  return body instanceof ReadableStream || (typeof body === 'object' && body !== null && Symbol.asyncIterator in body)
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
