import type { Readable } from 'node:stream'

/** A request as endpoints see it: text, not yet believed. */
export interface HttpRequest {
  readonly method: string
  /** The path, decoded once, without the query. */
  readonly path: string
  /** The raw query, without `?`. */
  readonly query: string
  /** Parameters of the route, decoded. */
  readonly params: Readonly<Record<string, string>>
  /** A header by its lower-case name; `undefined` if absent. Repeated headers are joined by a comma. */
  header(name: string): string | undefined
  readonly body: string
  /** The client's address, through trusted proxies only. */
  readonly ip: string
}

/** An answer, complete or as a stream. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer | Readable
}

export type Endpoint = (request: HttpRequest) => Promise<HttpAnswer> | HttpAnswer

/** For everything that may hold a token, or depends on who asks. */
export const noStore = { 'cache-control': 'no-store', pragma: 'no-cache' } as const
