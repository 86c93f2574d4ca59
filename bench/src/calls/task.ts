import type { JsonWebKey } from 'node:crypto'

/** How a call says who makes it. */
export const ways = [
  'nothing',
  'cached token',
  'cached token, DPoP proof for each',
  'HS256 signed for each',
  'ES256 signed for each',
  'RS256 signed for each',
  'token of the server for each',
] as const
export type Way = (typeof ways)[number]

/** Given as JSON in the first argument of the API. */
export interface ApiTask {
  readonly issuer: string
  readonly audience: string
  /** What the caller signs with, where it signs by itself. */
  readonly caller: { readonly issuer: string; readonly publicKeys: readonly JsonWebKey[]; readonly secret: string }
}

/** Given as JSON in the first argument of the caller. */
export interface CallerTask {
  readonly issuer: string
  readonly apiPort: number
  readonly audience: string
  readonly clients: Readonly<Record<'bearer' | 'bound', { readonly id: string; readonly secret: string }>>
  readonly caller: { readonly issuer: string; readonly secret: string }
  readonly keys: Readonly<Record<'ES256' | 'RS256', JsonWebKey>>
  /** Private; of the proofs. */
  readonly proofKey: JsonWebKey
  readonly way: Way
  readonly calls: number
  /** Whose processor time is looked at besides. */
  readonly pids: Readonly<Record<'api' | 'server', number>>
}

/** Of one call: microseconds of processor time by process, and milliseconds from request to answer. */
export interface CallerResult {
  readonly callerMicroseconds: number
  readonly apiMicroseconds: number
  readonly serverMicroseconds: number
  readonly p50: number
  readonly p99: number
}
