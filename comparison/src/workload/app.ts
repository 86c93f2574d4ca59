import type { Login } from '../servers/contender.ts'
import type { Dice } from './dice.ts'
import { type Outcome, refresh } from './refresh.ts'
import type { Timeline } from './timeline.ts'

/** How an app of somebody's lives. */
export interface Habits {
  /** So many of its tabs notice at the same moment that the access token is over, and refresh with what is stored. */
  readonly tabs: number
  /** The part of the answers that never arrive. */
  readonly lostAnswers: number
  /** Milliseconds after which it comes again when no answer came; one of these. */
  readonly pauses: readonly [number, ...number[]]
}

/** One login in an app that is as patient as an app can be: it gives up only if it holds nothing that works. */
export interface App {
  readonly login: Login
  /** What it would present next. */
  readonly refreshToken: () => string
  /** Refreshes until there is an answer; `beside` is done at the same moment as the first try. */
  refresh(beside?: () => Promise<void>): Promise<void>
  /** It was refused what it holds: the user has to sign in again. */
  readonly isOut: () => boolean
  /** A tab of it was refused, whether or not another one had luck. */
  readonly wasRefused: () => boolean
  /** One and the same refresh token was answered with two different ones. */
  readonly hasForked: () => boolean
}

export function createApp(
  world: { tokenEndpoint: string; timeline: Timeline; onFailure: (text: string) => void },
  login: Login,
  habits: Habits,
  dice: Dice,
): App {
  const { timeline } = world
  let stored = login.refreshToken
  let [out, refused, forked] = [false, false, false]
  const successors = new Map<string, Set<string>>()

  /** One tab: what it learned, or nothing if the answer was lost. */
  async function tryOnce(presented: string): Promise<Outcome | undefined> {
    const isLost = dice.chance(habits.lostAnswers)
    const outcome = await refresh(world.tokenEndpoint, login, { refreshToken: presented, now: timeline.now() })
    if (outcome.kind === 'failed') world.onFailure(outcome.text)
    if (outcome.kind === 'tokens' && outcome.refreshToken !== undefined) noteSuccessor(presented, outcome.refreshToken)
    return isLost || outcome.kind === 'failed' ? undefined : outcome
  }

  function noteSuccessor(presented: string, next: string): void {
    const known = successors.get(presented) ?? new Set()
    successors.set(presented, known.add(next))
    if (known.size > 1) forked = true
  }

  function learn(presented: string, outcomes: readonly (Outcome | undefined)[]): void {
    const given = outcomes.filter(outcome => outcome?.kind === 'tokens')
    if (outcomes.some(outcome => outcome?.kind === 'refused')) refused = true
    stored = given.findLast(({ refreshToken }) => refreshToken !== undefined)?.refreshToken ?? stored
    if (given.length > 0) return
    if (outcomes.some(outcome => outcome?.kind === 'refused') && stored === presented) out = true
    else comeAgain()
  }

  function comeAgain(): void {
    timeline.in(dice.pick(habits.pauses), async () => {
      if (out) return
      const presented = stored
      learn(presented, [await tryOnce(presented)])
    })
  }

  return {
    login,
    refreshToken: () => stored,
    isOut: () => out,
    wasRefused: () => refused,
    hasForked: () => forked,
    async refresh(beside) {
      const presented = stored
      // Nobody is always the first.
      const isFirst = dice.chance(0.5)
      const other = isFirst ? undefined : beside?.()
      const tries = out ? [] : Array.from({ length: habits.tabs }, () => tryOnce(presented))
      const [outcomes] = await Promise.all([Promise.all(tries), other ?? beside?.()])
      if (!out) learn(presented, outcomes)
    },
  }
}
