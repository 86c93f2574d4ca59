import type { Habits } from './app.ts'

const second = 1_000

/** Honest apps on a bad day. */
export interface HonestScenario {
  readonly name: string
  readonly habits: Habits
}

export const honestScenarios: readonly HonestScenario[] = [
  { name: 'three tabs at once', habits: { tabs: 3, lostAnswers: 0, pauses: [0] } },
  { name: '1 answer in 10 lost, again at once', habits: { tabs: 1, lostAnswers: 0.1, pauses: [0] } },
  { name: '1 in 10 lost, again after 5 s', habits: { tabs: 1, lostAnswers: 0.1, pauses: [5 * second] } },
  { name: '1 in 10 lost, again after 60 s', habits: { tabs: 1, lostAnswers: 0.1, pauses: [60 * second] } },
  { name: 'all of it', habits: { tabs: 3, lostAnswers: 0.1, pauses: [0, 5 * second, 60 * second] } },
]

/** A thief has copied what an app holds, and refreshes too. */
export interface TheftScenario {
  readonly name: string
  readonly loot: 'token' | 'token and key'
  /** Milliseconds from each refresh of the app to the thief's; 0: at the same moment. */
  readonly after: readonly number[]
}

const rhythms: readonly [string, readonly number[]][] = [
  ['at the same moment', [0]],
  ['5 s after the app', [5 * second]],
  ['60 s after the app', [60 * second]],
  ['60 s before the app', [-60 * second]],
  ['halfway between', [-450 * second]],
  ['every 5 minutes', [-750 * second, -450 * second, -150 * second]],
]

/** Of a login that no key is bound to, the token is all there is. */
export function theftScenarios(bound: boolean): readonly TheftScenario[] {
  const thefts = (loot: TheftScenario['loot']): TheftScenario[] =>
    rhythms.map(([name, after]) => ({ name, loot, after }))
  return bound ? [...thefts('token and key'), ...thefts('token').slice(2, 3)] : thefts('token')
}

/** An app refreshes whenever its access token is over, so often in a day of work. */
export const refreshEvery: number = 900 * second
export const refreshes = 12
