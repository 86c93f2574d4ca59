import { fetchJson } from './outbound.ts'
import type { Runtime } from './runtime.ts'

/** Asks the issuer whether a token is active. Undefined: it could not be asked. */
export type Introspect = (token: string) => Promise<boolean | undefined>

export interface IntrospectionOptions {
  readonly locate: () => Promise<string | undefined>
  readonly authorization: string
}

const limits = { milliseconds: 5_000, bytes: 64 * 1024 }
const mostAtOnce = 500

/** Token introspection (RFC 7662). Calls for one token at one time are one call; beyond 500 nobody is asked. */
export function introspection(runtime: Pick<Runtime, 'fetch' | 'timers'>, options: IntrospectionOptions): Introspect {
  const asking = new Map<string, Promise<boolean | undefined>>()

  async function ask(token: string): Promise<boolean | undefined> {
    try {
      const url = await options.locate()
      if (url === undefined) return undefined
      const init = {
        method: 'POST',
        headers: {
          accept: 'application/json',
          authorization: options.authorization,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      }
      const { status, body } = await fetchJson(runtime, url, init, limits)
      const active = (body as { active?: unknown } | null | undefined)?.active
      return status === 200 && typeof active === 'boolean' ? active : undefined
    } catch {
      return undefined
    }
  }

  return token => {
    const underway = asking.get(token)
    if (underway !== undefined) return underway
    if (asking.size >= mostAtOnce) return Promise.resolve(undefined)
    const answer = ask(token).finally(() => asking.delete(token))
    asking.set(token, answer)
    return answer
  }
}
