import type { Change } from '@countersign/core'
import { isRefusal, type Refusal } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import type { Services } from '../services.ts'

const triesAtMost = 10

/**
 * Load → decide → commit, and again on a conflict. `decide` loads for itself and gives what to commit, with the result
 * that is true once it is committed; no change: nothing to do.
 */
export async function decideAndCommit<Result extends object>(
  services: Pick<Services, 'store'>,
  decide: () => Promise<{ result: Result; change?: Change | undefined } | Refusal>,
): Promise<Result | Refusal> {
  for (let tries = 0; tries < triesAtMost; tries++) {
    const decided = await decide()
    if (isRefusal(decided)) return decided
    if (decided.change === undefined) return decided.result
    if ((await services.store.commit(decided.change)) === 'committed') return decided.result
  }
  throw new StoreUnavailable('The same rows are being changed by others all the time.')
}
