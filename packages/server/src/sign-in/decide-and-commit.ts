import { type Change, loginsAtOnce } from '@countersign/core'
import { isRefusal, type Refusal } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import type { Services } from '../services.ts'

const triesAtMost = 10
/** One of each node is in the others' way. */
const triesOfLoginsAtMost = 40

let logins = 0

/** Each after the one before in its lane. */
function laneOfNext(): number {
  logins = (logins + 1) % loginsAtOnce
  return logins
}

type Decide<Result> = () => Promise<{ result: Result; change?: Change | undefined } | Refusal>

/**
 * Load → decide → commit, and again on a conflict. `decide` loads for itself and gives what to commit, with the result
 * that is true once it is committed; no change: nothing to do.
 */
export async function decideAndCommit<Result extends object>(
  services: Pick<Services, 'store'>,
  decide: Decide<Result>,
): Promise<Result | Refusal> {
  return (await once(services, decide)) ?? again(services, decide)
}

/**
 * The same, for logins: many of one user at once want the same session's place, and of each round one alone would get it. Who was in another's way waits for
 * those before; and a few are decided at once, since they do not see each other where there is room for all (`makeRoom`).
 *
 * @param key what is known of whose logins they are: the user's id, or who a provider says that they are.
 */
export async function decideLogin<Result extends object>(
  services: Pick<Services, 'store' | 'turns'>,
  key: string,
  decide: Decide<Result>,
): Promise<Result | Refusal> {
  const { turns } = services
  const theirs = `logins of ${key}`
  const first = await turns.take(`${theirs}, ${laneOfNext()}`, async () =>
    turns.isTaken(theirs) ? undefined : once(services, decide),
  )
  return first ?? turns.take(theirs, () => again(services, decide, triesOfLoginsAtMost))
}

async function again<Result extends object>(
  services: Pick<Services, 'store'>,
  decide: Decide<Result>,
  atMost = triesAtMost,
): Promise<Result | Refusal> {
  for (let tries = 1; tries < atMost; tries++) {
    const result = await once(services, decide)
    if (result !== undefined) return result
  }
  throw new StoreUnavailable('The same rows are being changed by others all the time.')
}

/** Undefined: a conflict. */
async function once<Result extends object>(
  { store }: Pick<Services, 'store'>,
  decide: Decide<Result>,
): Promise<Result | Refusal | undefined> {
  const decided = await decide()
  if (isRefusal(decided)) return decided
  if (decided.change === undefined) return decided.result
  return (await store.commit(decided.change)) === 'committed' ? decided.result : undefined
}
