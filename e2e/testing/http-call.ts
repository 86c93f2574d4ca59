import { type Agent, request } from 'node:http'

/** An answer, whole. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body as JSON; throws if it is none. */
  readonly json: Record<string, unknown>
}

export interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly body?: string
  /** Milliseconds after which nobody waits for the answer any more. */
  readonly patience?: number | undefined
  /** Keeps connections; absent: one of its own. */
  readonly agent?: Agent
}

/** Told of every call, once it is answered or has failed. */
export const observers: Set<(what: Call, answer: Answer | undefined, sending: Sending) => void> = new Set()

export interface Sending {
  readonly url: string
  /** By the machine's monotonic clock, in milliseconds. */
  readonly sentAt: number
}

/** The machine's monotonic clock, in milliseconds: the same in all processes, and moved by nobody. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** What the wall clock said, in milliseconds since 1970, when the monotonic one was at zero: for times that a database has written. */
export const wallClockAtZero: number = performance.timeOrigin + performance.now() - monotonic()

/** One request, never a second try; on a connection of its own unless somebody keeps them, so that a server that dies takes nobody else's request along. */
export async function call(url: string, what: Call = {}): Promise<Answer> {
  let answer: Answer | undefined
  const sentAt = monotonic()
  try {
    answer = await send(url, what)
    return answer
  } finally {
    for (const observe of observers) observe(what, answer, { url, sentAt })
  }
}

function send(url: string, what: Call): Promise<Answer> {
  const [type, body] =
    what.form !== undefined
      ? ['application/x-www-form-urlencoded', new URLSearchParams(what.form).toString()]
      : what.json !== undefined
        ? ['application/json', JSON.stringify(what.json)]
        : [undefined, what.body]
  const headers = {
    ...(type && { 'content-type': type }),
    ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    ...what.headers,
  }
  const method = what.method ?? (body === undefined ? 'GET' : 'POST')
  return new Promise((resolve, reject) => {
    const signal = what.patience === undefined ? undefined : AbortSignal.timeout(what.patience)
    const outgoing = request(
      url,
      { agent: what.agent ?? false, method, headers, ...(signal && { signal }) },
      incoming => {
        let text = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk: string) => {
          text += chunk
        })
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            get json() {
              return JSON.parse(text) as Record<string, unknown>
            },
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** The answer, or undefined if the connection broke before it was whole. */
export function callUnlessKilled(url: string, what: Call = {}): Promise<Answer | undefined> {
  return call(url, what).catch(() => undefined)
}

export function basic(id: string, secret: string): Readonly<Record<string, string>> {
  const text = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` }
}

export function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` }
}
