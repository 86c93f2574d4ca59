import { ConnectionUnavailable } from './connection.ts'

/** As `fetch`, for a provider: short, bounded, without redirects. */
export type ProviderFetch = (url: string, init: RequestInit) => Promise<Response>

const bytesAtMost = 512 * 1024

/** An answer that takes too long, is too long, or says that the provider is broken or busy, is `ConnectionUnavailable`. */
export function createProviderFetch(fetch: typeof globalThis.fetch, timeoutMs: number): ProviderFetch {
  return async (url, init) => {
    const { host } = new URL(url)
    const signal = AbortSignal.timeout(timeoutMs)
    let answer: Response
    let text: string
    try {
      answer = await fetch(url, { ...init, redirect: 'manual', signal })
      text = await readText(answer)
    } catch (error) {
      throw new ConnectionUnavailable(`${host} cannot be reached`, { cause: error })
    }
    if (answer.status >= 500 || answer.status === 429) {
      const seconds = Number(answer.headers.get('retry-after'))
      const retryAfterSeconds = Number.isInteger(seconds) && seconds > 0 ? Math.min(seconds, 3600) : 5
      throw new ConnectionUnavailable(`${host} answered ${answer.status}`, { retryAfterSeconds })
    }
    const isGrant = init.body instanceof URLSearchParams && init.body.has('grant_type')
    const { status, headers } = answer
    if (status === 204 || status === 304) return new Response(null, { status, headers })
    return new Response(isGrant && status === 200 ? repairTokens(text) : text, { status, headers })
  }
}

async function readText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    if (bytes > bytesAtMost) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Some providers write `scope` as a list (Twitch), or leave `token_type` away: every other token is a bearer token too. */
function repairTokens(text: string): string {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    return text
  }
  if (typeof answer !== 'object' || answer === null || !('access_token' in answer)) return text
  const { scope, token_type = 'bearer' } = answer as { scope?: unknown; token_type?: unknown }
  return JSON.stringify({ ...answer, token_type, ...(Array.isArray(scope) && { scope: scope.join(' ') }) })
}
