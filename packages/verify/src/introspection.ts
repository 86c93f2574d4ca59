import { fetchJson } from './outbound.ts'
import type { Runtime } from './runtime.ts'

/** What the issuer says of a token: whether it is active, and the whole answer (RFC 7662 §2.2). */
export interface Introspected {
  readonly active: boolean
  readonly body: unknown
}

/** Asks the issuer about a token. Undefined: it could not be asked. */
export type Introspect = (token: string) => Promise<Introspected | undefined>

export interface IntrospectionOptions {
  readonly locate: () => Promise<string | undefined>
  readonly authorization: string
}

const limits = { milliseconds: 5_000, bytes: 64 * 1024 }
const callsAtMost = 500

/** Token introspection (RFC 7662). Calls for one token at one time are one call; beyond 500 nobody is asked. */
export function introspection(runtime: Pick<Runtime, 'fetch' | 'timers'>, options: IntrospectionOptions): Introspect {
  const asking = new Map<string, Promise<Introspected | undefined>>()

  async function ask(token: string): Promise<Introspected | undefined> {
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
      return status === 200 && typeof active === 'boolean' ? { active, body } : undefined
    } catch {
      return undefined
    }
  }

  return token => {
    const underway = asking.get(token)
    if (underway !== undefined) return underway
    if (asking.size >= callsAtMost) return Promise.resolve(undefined)
    const answer = ask(token).finally(() => asking.delete(token))
    asking.set(token, answer)
    return answer
  }
}
