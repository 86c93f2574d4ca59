import type { Login, RunningServer } from '../servers/contender.ts'
import { type App, createApp } from './app.ts'
import { createDice, type Dice } from './dice.ts'
import { refresh } from './refresh.ts'
import { refreshEvery, refreshes, type TheftScenario } from './scenarios.ts'
import { createTimeline, type Timeline } from './timeline.ts'

/** One theft, and what became of it. */
export interface Theft {
  readonly loginId: string
  /** The thief was given tokens, so often. */
  readonly answered: number
  /** At the end of the day he still has what works. */
  readonly goesOn: boolean
  /** At the end of the day the user is signed out. */
  readonly victimIsOut: boolean
}

/** In each login, the thief comes on one of the first half of its refreshes. */
export async function measureThefts(
  server: RunningServer,
  scenario: TheftScenario,
  logins: readonly Login[],
): Promise<Theft[]> {
  const timeline = createTimeline(server.advance)
  const world = { tokenEndpoint: server.tokenEndpoint, timeline, onFailure: () => {} }
  const pairs = logins.map((login, index) => {
    const dice = createDice(`${scenario.loot}, ${scenario.name} ${index}`)
    const app = createApp(world, login, { tabs: 1, lostAnswers: 0, pauses: [0] }, dice)
    const thief = createThief(server.tokenEndpoint, timeline, {
      app,
      loot: scenario.loot,
      ip: `10.9.${index >> 8}.${index & 255}`,
    })
    return { app, thief, dice }
  })
  for (const pair of pairs) planTheft(timeline, scenario, pair)
  await timeline.run()
  const judged = pairs.map(async ({ app, thief }): Promise<Theft> => {
    const answered = thief.answered()
    await thief.act()
    return { loginId: app.login.id, answered, goesOn: thief.answered() > answered, victimIsOut: app.isOut() }
  })
  return Promise.all(judged)
}

function planTheft(
  timeline: Timeline,
  { after }: TheftScenario,
  { app, thief, dice }: { app: App; thief: Thief; dice: Dice },
): void {
  const stolenAt = 1 + dice.below(refreshes / 2)
  for (let time = 1; time <= refreshes; time++) {
    const isAfter = time > stolenAt
    timeline.in(time * refreshEvery, async () => {
      await app.refresh(isAfter && after.includes(0) ? thief.act : undefined)
      if (time === stolenAt) thief.steal()
    })
    for (const each of after) if (isAfter && each !== 0) timeline.in(time * refreshEvery + each, thief.act)
  }
}

interface Thief {
  steal(): void
  act(): Promise<void>
  readonly answered: () => number
}

function createThief(
  tokenEndpoint: string,
  timeline: Timeline,
  { app, loot, ip }: { app: App; loot: TheftScenario['loot']; ip: string },
): Thief {
  let refreshToken: string | undefined
  let answered = 0
  const { login } = app
  const own = { ip, clientId: login.clientId, key: loot === 'token' ? undefined : login.key }
  return {
    answered: () => answered,
    steal() {
      refreshToken = app.refreshToken()
    },
    async act() {
      if (refreshToken === undefined) return
      const outcome = await refresh(tokenEndpoint, own, { refreshToken, now: timeline.now() })
      if (outcome.kind === 'refused') refreshToken = undefined
      if (outcome.kind !== 'tokens') return
      answered++
      refreshToken = outcome.refreshToken ?? refreshToken
    },
  }
}
