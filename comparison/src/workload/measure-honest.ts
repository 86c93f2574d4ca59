import type { Login, RunningServer } from '../servers/contender.ts'
import { type App, createApp } from './app.ts'
import { createDice } from './dice.ts'
import { type HonestScenario, refreshEvery, refreshes } from './scenarios.ts'
import { createTimeline } from './timeline.ts'

/** What became of so many honest logins. */
export interface HonestResult {
  readonly logins: number
  readonly loggedOut: number
  /** Told `invalid_grant` at least once, in a tab at least. */
  readonly refused: number
  /** Left with two refresh tokens in place of one. */
  readonly forked: number
  /** Answers that were neither tokens nor a refusal. */
  readonly failures: readonly string[]
}

export async function measureHonest(
  server: RunningServer,
  { name, habits }: HonestScenario,
  logins: readonly Login[],
): Promise<HonestResult> {
  const failures: string[] = []
  const timeline = createTimeline(server.advance)
  const world = { tokenEndpoint: server.tokenEndpoint, timeline, onFailure: (text: string) => void failures.push(text) }
  const apps = logins.map((login, index): App => createApp(world, login, habits, createDice(`${name} ${index}`)))
  for (const app of apps) {
    for (let time = 1; time <= refreshes; time++) timeline.in(time * refreshEvery, () => app.refresh())
  }
  await timeline.run()
  return {
    logins: apps.length,
    loggedOut: apps.filter(app => app.isOut()).length,
    refused: apps.filter(app => app.wasRefused()).length,
    forked: apps.filter(app => app.hasForked()).length,
    failures,
  }
}
