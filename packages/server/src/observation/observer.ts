/**
 * Is told what a node does, as it does it: metrics listen here. Nothing depends on it, and it learns no token, no address and nothing
 * of a user. Every text comes from a list that is closed (routes, methods, reasons, names of operations), so that it may be a label.
 */
export interface Observer {
  /** An answer is about to go out. */
  answered(answer: AnswerFacts): void
  /** The refresh rule has decided by this row of the table (docs/refresh.md). */
  refreshDecided(row: number, reason: string | undefined): void
  committed(commit: CommitFacts): void
  /** The store was away, or full, when it was asked for this. */
  storeFailed(operation: string): void
  /** The feed was read afresh for its followers. */
  feedLooked(): void
}

export interface AnswerFacts {
  /** As in `routes.ts`, with its parameters unfilled: `/v1/sessions/:id`. `none` for what is nowhere. */
  readonly route: string
  readonly method: string
  readonly status: number
  /** Of a refusal. */
  readonly reason: string | undefined
  /** From the request's head to the answer's. */
  readonly seconds: number
}

export interface CommitFacts {
  /** Whether the answer waits for the disk. */
  readonly durable: boolean
  readonly outcome: 'committed' | 'conflict'
  readonly seconds: number
}
