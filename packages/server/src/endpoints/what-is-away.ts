import { refuse } from '@countersign/protocol'
import { ClockWrong, StoreUnavailable } from '@countersign/store'
import { json, refusalAnswer } from '../http/answers.ts'
import { refusalOfFailure } from '../http/failure.ts'
import type { HttpAnswer } from '../http/message.ts'
import type { Services } from '../services.ts'

/** Why a node does not say that it is well: stable words, which name no address (docs/operating.md). */
export type Cause = 'store_away' | 'clock_wrong' | 'keys_away' | 'stopping'

/** What this node cannot do without, each asked by itself: one that is away must not hide another. */
export async function whatIsAway({ store, keys, log }: Services): Promise<readonly Cause[]> {
  const causes: Cause[] = []
  async function look(cause: Cause, ask: () => unknown): Promise<void> {
    try {
      await ask()
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      refusalOfFailure(error, log)
      causes.push(error instanceof ClockWrong ? 'clock_wrong' : cause)
    }
  }
  await look('store_away', () => store.loadIssuer())
  await look('keys_away', () => keys.mint())
  return causes
}

/** 200 and `status`, or 503 and the causes. */
export function standingAnswer(status: string, causes: readonly Cause[]): HttpAnswer {
  if (causes.length === 0) return json(200, { status })
  const detail = causes.includes('stopping') ? { detail: 'The node is about to stop.' } : {}
  return refusalAnswer(refuse('unavailable', detail), {}, { causes })
}
