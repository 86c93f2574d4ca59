import { issuer } from '../settings.ts'

/** One request and what came of it, as the timeline shows it. */
export interface Call {
  /** `this page`, `tab 3`, `the thief` … */
  readonly who: string
  /** In words where there is a word for it: `refresh`, `sign in`; else method and path. */
  readonly what: string
  /** Milliseconds since 1970. */
  readonly started: number
  readonly milliseconds: number
  /** 0: no answer arrived. */
  readonly status: number
  /** From the header `Countersign-Reason`. */
  readonly reason: string | undefined
  /** From the header `countersign-refresh-row`: which row of the table decided. */
  readonly row: number | undefined
  /** The server has answered, and the answer was thrown away here. */
  readonly lost: boolean
}

type Listener = (call: Call) => void

const listeners = new Set<Listener>()
let losing = false

/** Calls `listener` after every request. Returns the end of it. */
export function onCall(listener: Listener): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export function tellOfCall(call: Call): void {
  for (const listener of listeners) listener(call)
}

/** From now on: what `end()` returns are the calls since. */
export function collectCalls(): { end(): Call[] } {
  const calls: Call[] = []
  const stop = onCall(call => calls.push(call))
  return {
    end() {
      stop()
      return calls
    },
  }
}

/** The answer to the next refresh will be thrown away, after the server has done its work. */
export function loseNextRefresh(): void {
  losing = true
}

/** `fetch`, with somebody looking over its shoulder. */
export function watched(who: string): typeof fetch {
  return async (input, init) => {
    const what = nameOf(input, init)
    const started = Date.now()
    const begun = performance.now()
    const tell = (answer: Pick<Call, 'status' | 'reason' | 'row' | 'lost'>): void =>
      tellOfCall({ who, what, started, milliseconds: performance.now() - begun, ...answer })
    let response: Response
    try {
      response = await fetch(input, init)
    } catch (error) {
      tell({ status: 0, reason: undefined, row: undefined, lost: false })
      throw error
    }
    const { status, headers } = response
    const row = Number(headers.get('countersign-refresh-row')) || undefined
    const lost = losing && what === refresh && row !== undefined
    tell({ status, reason: headers.get('countersign-reason') ?? undefined, row, lost })
    if (!lost) return response
    losing = false
    throw new TypeError('The answer got lost (as the laboratory was asked to).')
  }
}

const refresh = 'refresh'

/** A refresh that the server has decided. A first try that is only asked for a nonce (RFC 9449 §8) is none. */
export function isRefresh({ what, row }: Call): boolean {
  return what === refresh && row !== undefined
}

function nameOf(input: Request | string | URL, init: RequestInit | undefined): string {
  const url = new URL(input instanceof Request ? input.url : input, location.href)
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
  if (url.origin === issuer && url.pathname === '/token' && init?.body instanceof URLSearchParams) {
    return init.body.get('grant_type') === 'refresh_token' ? refresh : 'redeem the code'
  }
  if (url.origin === issuer && method === 'POST') {
    const words: Record<string, string> = { '/v1/sessions': 'sign in', '/v1/users': 'sign up', '/revoke': 'sign out' }
    return words[url.pathname] ?? `${method} ${url.pathname}`
  }
  return `${method} ${url.pathname}`
}
