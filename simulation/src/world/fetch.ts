import { Readable } from 'node:stream'
import type { HttpAnswer, HttpRequest } from '@countersign/server'

/** A request as `fetch` is given it, in the form that endpoints take. */
export function requestOf(input: Request | string | URL, init: RequestInit = {}, ip: string): HttpRequest {
  const url = new URL(input instanceof Request ? input.url : input)
  const headers = new Headers(init.headers)
  const { body } = init
  if (body instanceof URLSearchParams) headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8')
  return {
    method: init.method ?? 'GET',
    path: url.pathname,
    query: url.search.slice(1),
    params: {},
    header: name => headers.get(name) ?? undefined,
    body: body === undefined || body === null ? '' : String(body),
    ip,
  }
}

export interface StreamTerms {
  readonly signal?: AbortSignal | null | undefined
  /** Waits for as long as a piece of a stream is on its way. */
  readonly carry?: () => Promise<void>
  /** What becomes of a piece: those that come now, in order. */
  readonly deal?: (chunk: Uint8Array) => readonly Uint8Array[]
}

/** As much of a `Response` as the SDKs use, without streams that would need turns of the loop. */
export function responseOf(answer: HttpAnswer, more: StreamTerms = {}): Response {
  const { status, body } = answer
  const headers = new Headers()
  for (const [name, value] of Object.entries(answer.headers)) headers.set(name, [value].flat().join(', '))
  const text = typeof body === 'string' ? body : ''
  const response = {
    status,
    ok: status >= 200 && status < 300,
    redirected: false,
    url: '',
    headers,
    text: async () => text,
    json: async () => JSON.parse(text) as unknown,
    body: body instanceof Readable ? chunksOf(body, more) : bytesOf(text),
  }
  return response as unknown as Response
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield Buffer.from(text)
}

/** A stream's chunks as they come; ends with an error if the reader hangs up. */
function chunksOf(
  stream: Readable,
  { signal, carry, deal = chunk => [chunk] }: StreamTerms,
): AsyncIterable<Uint8Array> {
  const waiting: Uint8Array[] = []
  let ended = false
  let wake: (() => void) | undefined
  const stir = (): void => wake?.()
  stream.on('data', (chunk: Buffer) => {
    waiting.push(chunk)
    stir()
  })
  const end = (): void => {
    ended = true
    stir()
  }
  stream.on('end', end)
  stream.on('close', end)
  signal?.addEventListener('abort', () => {
    stream.destroy()
    stir()
  })
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const chunk = waiting.shift()
        if (signal?.aborted) break
        if (chunk !== undefined) {
          await carry?.()
          yield* deal(chunk)
        } else if (ended) break
        else {
          await new Promise<void>(resolve => {
            wake = resolve
          })
        }
      }
      if (signal?.aborted) throw new TypeError('terminated')
    },
  }
}

/** Settles like `work`, or rejects when the signal says so. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    work.then(resolve, reject)
  })
}
