import type { AccessTokenClaims, Reason } from '@countersign/protocol'
import type { Applied } from './applied.ts'

/** Who sends requests, as far as judging them goes. */
export interface Party {
  readonly name: string
  readonly honest: boolean
}

/** What was presented at the token endpoint. */
export interface PresentedToken {
  readonly familyId: string
  readonly generation: number
}

/** One request for tokens and its answer, as the node saw them. Times are true milliseconds since the run began. */
export interface TokenExchange {
  readonly party: Party
  readonly node: string
  readonly path: string
  readonly arrivedAt: number
  /** By the store's clock, in milliseconds since 1970. */
  readonly storeArrivedAt: number
  readonly presented: PresentedToken | undefined
  /** The hash of the authorization code that was presented. */
  readonly code?: string | undefined
  readonly answeredAt: number
  readonly status: number
  readonly row: number | undefined
  readonly reason: Reason | undefined
  /** The refresh token in the answer. */
  readonly given: PresentedToken | undefined
  readonly claims: AccessTokenClaims | undefined
}

/** What a resource server said of a token. */
export interface Judgement {
  readonly api: string
  readonly party: Party
  readonly time: number
  readonly claims: AccessTokenClaims
  readonly kid: string
  readonly verdict: 'accepted' | 'accepted as stale' | Reason
}

export type HistoryEvent =
  | { readonly kind: 'act'; readonly time: number; readonly what: string; readonly text: string }
  /** `what`: the step of the plan. */
  | { readonly kind: 'fault'; readonly time: number; readonly what: string; readonly text: string }
  | { readonly kind: 'exchange'; readonly time: number; readonly exchange: TokenExchange }
  | { readonly kind: 'commit'; readonly time: number; readonly applied: Applied }
  /** A user has pressed "allow" for a client. */
  | {
      readonly kind: 'allowed'
      readonly time: number
      readonly user: string
      readonly userId: string
      readonly clientId: string
    }
  /** The store went back: `lost` is gone. `restored`: by an operator, from a backup. */
  | {
      readonly kind: 'forgotten'
      readonly time: number
      readonly how: 'crash' | 'stale replica' | 'backup'
      readonly lost: readonly Applied[]
    }
  /** A commit happened, and its node was told that the store is away. */
  | { readonly kind: 'untold'; readonly time: number; readonly node: string }
  | { readonly kind: 'judgement'; readonly time: number; readonly judgement: Judgement }
  /** An honest party learned that it is signed out. */
  | {
      readonly kind: 'signed out'
      readonly time: number
      readonly party: Party
      readonly reason: string
      readonly familyId: string | undefined
    }
  | { readonly kind: 'stuck'; readonly time: number; readonly party: Party; readonly text: string }
  | { readonly kind: 'failure'; readonly time: number; readonly text: string }

/** Everything that happened in a run, in order. */
export interface History {
  readonly events: HistoryEvent[]
  readonly faults: Record<string, number>
  /** How often each row of the decision table decided. */
  readonly rows: Record<string, number>
}

export function createHistory(): History {
  return {
    events: [],
    faults: {},
    rows: Object.fromEntries(Array.from({ length: 10 }, (_, index) => [String(index + 1), 0])),
  }
}
