import type { JsonWebKey } from 'node:crypto'

/** One chain of refresh tokens: each answer's token is the next request's. `key` is the private key that the family is bound to. */
export interface Chain {
  refreshToken: string
  readonly key?: JsonWebKey
}

/** What the load process is asked to do; given as JSON in its first argument. Files are left as the next round needs them. */
export type LoadTask = {
  readonly url: string
  readonly connections: number
  readonly warmSeconds: number
  readonly seconds: number
  /** Process whose processor time is read around the measured part. */
  readonly serverPid: number
  /** First process of the PostgreSQL server that stands behind it, of which the same is read with all of its own. */
  readonly databasePid?: number | undefined
} & (
  | { readonly kind: 'refresh'; readonly chainsFile: string; readonly clientId: string; readonly proofs: boolean }
  /** Logins of `user-0` to so many, again and again. */
  | { readonly kind: 'login'; readonly authorization: string; readonly clientId: string; readonly users: number }
  | ({ readonly kind: 'calls' } & Calls)
)

/** The same request over and over, in which a value differs: a token, a cookie, a code. */
export interface Calls {
  /** `{value}` stands for the value in each of these. The path replaces that of `url`. */
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** A JSON array of them, asked in turn. Absent: there is none. */
  readonly valuesFile?: string
  /** Each is good for one request. */
  readonly once?: boolean
  /** What a good answer has: its status, and a text in its head or its body. */
  readonly good: { readonly status: number; readonly text: string }
}

export interface LoadResult {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Share of one core. Near 1 for `load`, the generator is what was measured. */
  readonly cpu: { readonly load: number; readonly server: number | null; readonly database: number | null }
  /** Answers without a new refresh token: the server did not rotate. */
  readonly withoutRotation: number
  readonly errors: number
  readonly firstError: string | null
}
