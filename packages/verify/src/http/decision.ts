import type { Verified } from '../verifier.ts'

/** What was decided about a request, for every framework alike. */
export interface Pass {
  readonly pass: true
  readonly auth: Verified | undefined
  /** What `Vary` must name. */
  readonly vary: readonly string[]
  /** For `Cache-Control`, unless the handler knows better; undefined where nothing depends on a token. */
  readonly cacheControl: string | undefined
}

export interface Answer {
  readonly pass: false
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly vary: readonly string[]
  /** Headers that a page of another origin may read. */
  readonly expose: readonly string[]
  readonly body: string
}
