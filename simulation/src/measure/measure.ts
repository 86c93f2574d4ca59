import type { DeviceSpec } from '../actors/device.ts'
import type { History } from '../history/history.ts'
import type { Loot, PlainSpec, Plan, Step } from '../plan/plan.ts'
import { run } from '../run.ts'
import { createDice } from '../world/dice.ts'

export type ClientKind = 'SDK, bound' | 'SDK, unbound' | 'plain, public' | 'plain, with a secret'

/** What a number of thefts of one kind came to. Milliseconds; `undefined` where it never happened. */
export interface ThiefWindow {
  readonly client: ClientKind
  readonly loot: Loot
  readonly everySeconds: number
  readonly thefts: number
  /** Thefts that gave him a token at least once. */
  readonly answered: number
  /** Of those, how many the audit log shows at the end. */
  readonly noticed: number
  /** From his first token until the audit log shows him. */
  readonly untilNoticed: Quantiles
  /** From his first token until he gets none any more. */
  readonly survival: Quantiles
}

export interface Quantiles {
  readonly p50: number | undefined
  readonly p99: number | undefined
}

export interface WrongLogouts {
  readonly client: ClientKind
  readonly retryAfterSeconds: number
  readonly refreshes: number
  readonly logouts: number
}

const minutes = 40
const length = minutes * 60_000

export async function measureThieves(
  client: ClientKind,
  loot: Loot,
  everySeconds: number,
  runs: number,
): Promise<ThiefWindow> {
  const survivals: number[] = []
  const notices: number[] = []
  let answered = 0
  for (let seed = 1; seed <= runs; seed++) {
    const dice = createDice(`theft ${client} ${loot} ${everySeconds} ${seed}`)
    const when = dice.between(5, 8) * 60_000
    const steps: Step[] = [{ when, do: 'steal', party: 'victim', tab: 0, loot, thief: 'thief' }]
    for (let next = when + dice.next() * everySeconds * 1000; next < length; next += everySeconds * 1000) {
      steps.push({ when: next, do: 'thief acts', thief: 'thief' })
    }
    const { world } = await run(planFor(client, seed, [...everyday(dice, 120), ...steps]))
    const window = windowOf(world.history)
    if (window === undefined) continue
    answered++
    survivals.push(window.survival)
    if (window.untilNoticed !== undefined) notices.push(window.untilNoticed)
  }
  return {
    client,
    loot,
    everySeconds,
    thefts: runs,
    answered,
    noticed: notices.length,
    untilNoticed: quantiles(notices),
    survival: quantiles(survivals),
  }
}

/** One answer in twenty is lost after the commit, and the client comes again after so many seconds. */
export async function measureLogouts(
  client: ClientKind,
  retryAfterSeconds: number,
  runs: number,
): Promise<WrongLogouts> {
  let refreshes = 0
  let logouts = 0
  for (let seed = 1; seed <= runs; seed++) {
    const dice = createDice(`loss ${client} ${retryAfterSeconds} ${seed}`)
    const weather: Step = { when: 10_000, do: 'weather', party: 'victim', weather: { loseAnswer: 0.05 }, for: length }
    const { world } = await run(planFor(client, seed, [weather, ...everyday(dice, 90)], retryAfterSeconds))
    for (const event of world.history.events) {
      if (event.kind !== 'exchange' || event.exchange.path !== '/token') continue
      if (event.exchange.status === 200) refreshes++
      if (event.exchange.reason === 'refresh_token_reused') logouts++
    }
  }
  return { client, retryAfterSeconds, refreshes, logouts }
}

function everyday(dice: ReturnType<typeof createDice>, paceSeconds: number): Step[] {
  const steps: Step[] = [{ when: 1_000, do: 'sign in', party: 'victim', tab: 0 }]
  const pace = paceSeconds * 1000
  for (let when = 10_000; when < length; when += pace * (0.5 + dice.next())) {
    steps.push({ when, do: 'use', party: 'victim', tab: 0 })
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
    clientId: client === 'plain, public' ? 'plain' : 'web',
    patience: 5_000,
    pauses: [retryAfterSeconds * 1000, retryAfterSeconds * 1000],
  }
  steps.sort((one, other) => one.when - other.when)
  const cast = isDevice ? { devices: [device], plains: [] } : { devices: [], plains: [plain] }
  return { seed, nodes: 2, apis: 0, refreshKeyRotation: 0, steps, length, ...cast }
}

const noticing = /^refresh\.(leaked|replay_flagged|credit_spent|reused)$/

function windowOf({ events }: History): { survival: number; untilNoticed: number | undefined } | undefined {
  let first: number | undefined
  let last = 0
  let noticedAt: number | undefined
  for (const event of events) {
    if (event.kind === 'exchange' && !event.exchange.party.honest && event.exchange.status === 200) {
      first ??= event.time
      last = event.time
    }
    if (event.kind !== 'commit' || first === undefined || noticedAt !== undefined) continue
    if (event.applied.change.audit.some(record => noticing.test(record.event))) noticedAt = event.time
  }
  if (first === undefined) return undefined
  return { survival: last - first, untilNoticed: noticedAt === undefined ? undefined : noticedAt - first }
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((one, other) => one - other)
  const quantile = (part: number): number | undefined =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
  return { p50: quantile(0.5), p99: quantile(0.99) }
}
