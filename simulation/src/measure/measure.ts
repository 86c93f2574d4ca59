import type { DeviceSpec } from '../actors/device.ts'
import type { History } from '../history/history.ts'
import type { Loot, PlainSpec, Plan, Step } from '../plan/plan.ts'
import { run } from '../run.ts'
import { createDice, type Dice } from '../world/dice.ts'

export type ClientKind =
  | 'SDK, bound'
  | 'SDK, unbound'
  | 'plain, public'
  | 'plain, with a secret'
  | 'by code, with consent'

/** What a number of thefts of one kind came to. Milliseconds; `undefined` where it never happened. */
export interface ThiefWindow {
  readonly client: ClientKind
  readonly loot: Loot
  readonly pace: Pace
  readonly thefts: number
  /** Thefts that gave him a token at least once. */
  readonly answered: number
  /** How many the audit log shows at the end. */
  readonly noticed: number
  /** From his first attempt until the audit log shows him. */
  readonly untilNoticed: Quantiles
  /** From his first token until he gets none any more. */
  readonly survival: Quantiles
}

/** How a thief comes: every so many seconds, or so many after each refresh of the victim. */
export type Pace = { readonly everySeconds: number } | { readonly secondsAfterVictim: number }

export interface Quantiles {
  readonly p50: number | undefined
  readonly p99: number | undefined
}

export interface WrongLogouts {
  readonly client: ClientKind
  readonly retryAfterSeconds: number
  readonly refreshes: number
  readonly logouts: number
  /** Rows of the audit log that suspect a copied profile. */
  readonly flags: number
}

const minutes = 40
const length = minutes * 60_000

export async function measureThieves(client: ClientKind, loot: Loot, pace: Pace, runs: number): Promise<ThiefWindow> {
  const survivals: number[] = []
  const notices: number[] = []
  for (let seed = 1; seed <= runs; seed++) {
    const dice = createDice(`theft ${client} ${loot} ${Object.values(pace).join()} ${seed}`)
    const when = dice.between(5, 8) * 60_000
    const usual = everyday(dice, 120, 'secondsAfterVictim' in pace ? 'refresh' : 'use')
    const theft: Step = { when, do: 'steal', party: 'victim', tab: 0, loot, thief: 'thief' }
    const acts = momentsOf(pace, usual, { dice, from: when }).map(
      (moment): Step => ({ when: moment, do: 'thief acts', thief: 'thief' }),
    )
    const again: Step[] = loot === 'code' ? [{ when: when + 60_000, do: 'sign in', party: 'victim', tab: 0 }] : []
    const { world } = await run(planFor(client, seed, [...usual, theft, ...again, ...acts]))
    const found = theftIn(world.history)
    if (found?.survival !== undefined) survivals.push(found.survival)
    if (found?.untilNoticed !== undefined) notices.push(found.untilNoticed)
  }
  return {
    client,
    loot,
    pace,
    thefts: runs,
    answered: survivals.length,
    noticed: notices.length,
    untilNoticed: quantiles(notices),
    survival: quantiles(survivals),
  }
}

function momentsOf(pace: Pace, usual: readonly Step[], theft: { dice: Dice; from: number }): number[] {
  const { dice, from } = theft
  if ('secondsAfterVictim' in pace) {
    return usual
      .filter(step => step.do === 'refresh' && step.when > from)
      .map(({ when }) => when + pace.secondsAfterVictim * 1000)
  }
  const moments: number[] = []
  const every = pace.everySeconds * 1000
  for (let next = from + dice.next() * every; next < length; next += every) moments.push(next)
  return moments
}

/** One answer in twenty is lost after the commit, and the client comes again after so many seconds. */
export async function measureLogouts(
  client: ClientKind,
  retryAfterSeconds: number,
  runs: number,
): Promise<WrongLogouts> {
  let refreshes = 0
  let logouts = 0
  let flags = 0
  for (let seed = 1; seed <= runs; seed++) {
    const dice = createDice(`loss ${client} ${retryAfterSeconds} ${seed}`)
    const weather: Step = { when: 10_000, do: 'weather', party: 'victim', weather: { loseAnswer: 0.05 }, for: length }
    const { world } = await run(planFor(client, seed, [weather, ...everyday(dice, 90)], retryAfterSeconds))
    for (const event of world.history.events) {
      if (event.kind === 'commit' && event.applied.change.audit.some(row => row.event === 'refresh.replay_flagged'))
        flags++
      if (event.kind !== 'exchange' || event.exchange.path !== '/token') continue
      if (event.exchange.status === 200 && event.exchange.presented !== undefined) refreshes++
      if (event.exchange.reason === 'refresh_token_reused') logouts++
    }
  }
  return { client, retryAfterSeconds, refreshes, logouts, flags }
}

/** Between half of the pace and one and a half; `refresh` never sooner than H, so that each rotates. */
function everyday(dice: Dice, paceSeconds: number, deed: 'use' | 'refresh' = 'use'): Step[] {
  const steps: Step[] = [{ when: 1_000, do: 'sign in', party: 'victim', tab: 0 }]
  const pace = paceSeconds * 1000
  for (let when = 10_000; when < length; when += pace * ((deed === 'refresh' ? 0.6 : 0.5) + dice.next())) {
    steps.push({ when, do: deed, party: 'victim', tab: 0 })
  }
  return steps
}

function planFor(client: ClientKind, seed: number, steps: Step[], retryAfterSeconds = 1): Plan {
  const isDevice = client.startsWith('SDK')
  const device: DeviceSpec = {
    name: 'victim',
    user: 'maria',
    clientId: 'app',
    bound: client === 'SDK, bound',
    tabs: 1,
    shared: true,
    locks: true,
  }
  const plain: PlainSpec = {
    name: 'victim',
    user: 'maria',
    clientId:
      ({ 'plain, public': 'plain', 'by code, with consent': 'partner' } as const)[client as 'plain, public'] ?? 'web',
    patience: 5_000,
    pauses: [retryAfterSeconds * 1000, retryAfterSeconds * 1000],
  }
  steps.sort((one, other) => one.when - other.when)
  const cast = isDevice ? { devices: [device], plains: [] } : { devices: [], plains: [plain] }
  return { seed, nodes: 2, apis: 0, refreshKeyRotation: 0, steps, length, ...cast }
}

const noticing = /^refresh\.(leaked|replay_flagged|credit_spent|reused)$/

interface Theft {
  /** From his first token to his last; `undefined`: he got none. */
  readonly survival: number | undefined
  /** From his first attempt to the first row in the audit log that tells of him. */
  readonly untilNoticed: number | undefined
}

/** `undefined`: he has never come. */
function theftIn({ events }: History): Theft | undefined {
  const attempts = events.flatMap(event =>
    event.kind === 'exchange' && !event.exchange.party.honest ? [event.exchange] : [],
  )
  const [first] = attempts
  if (first === undefined) return undefined
  const answered = attempts.filter(({ status }) => status === 200)
  const [firstToken, lastToken] = [answered[0], answered.at(-1)]
  const noticed = events.find(
    event =>
      event.kind === 'commit' &&
      event.time >= first.arrivedAt &&
      event.applied.change.audit.some(record => noticing.test(record.event)),
  )
  return {
    survival: firstToken && lastToken && lastToken.answeredAt - firstToken.answeredAt,
    untilNoticed: noticed && noticed.time - first.arrivedAt,
  }
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((one, other) => one - other)
  const quantile = (part: number): number | undefined =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
  return { p50: quantile(0.5), p99: quantile(0.99) }
}
