import type { Family, RefreshDecision, RefreshRequest } from '@countersign/core'
import { epoch } from '../world/disk.ts'
import { createRuleMachine, type Decided, familyName, type RuleMachine } from './rule-machine.ts'

/** How far the exploration goes. Within that, every order of events is tried. */
export interface Bounds {
  readonly bound: boolean
  readonly thief: boolean
  /** Requests that each tab, and the thief, may send. */
  readonly sends: number
  /** Answers that may be lost. */
  readonly losses: number
  /** Crashes that forget the last commit, if it was not synced. */
  readonly crashes: number
  /** How often time may pass, by one of these many seconds. */
  readonly waits: number
  readonly waitSeconds: readonly number[]
}

export interface Explored {
  readonly states: number
  readonly rows: Readonly<Record<string, number>>
  /** The first broken promise, with the way to it. */
  readonly broken: { readonly promise: string; readonly way: readonly string[] } | undefined
}

/** A hand: what it holds, and where its request is. Two requests at once are two nodes. */
interface Hand {
  readonly sends: number
  /** Generation; the tabs of one install look into `World.stored`. */
  readonly holds: number
  readonly request: Request | undefined
}

interface Request {
  readonly generation: number
  /** The version of the record over which the answer may be written. */
  readonly over: number
  readonly loaded?: Family
  readonly decided?: Decided
  readonly committed?: boolean
  readonly seconds?: number
}

interface World {
  readonly seconds: number
  readonly family: Family
  /** What a crash goes back to; the same as `family` if all of it is on disk. */
  readonly synced: Family
  readonly stored: { readonly generation: number; readonly version: number }
  readonly hands: readonly Hand[]
  readonly stolen: boolean
  readonly losses: number
  readonly crashes: number
  readonly waits: number
  /** Late repeats that were decided, credit or reuse. */
  readonly lates: number
}

interface Step {
  readonly name: string
  readonly next: World
  readonly broken?: string | undefined
  readonly row?: number
}

const graceSeconds = 20
const handNames = ['tab 1', 'tab 2', 'thief']

/** Every order of events for two tabs and a thief at two nodes, within the bounds, over the real decision function. */
export function explore(bounds: Bounds, judge?: (request: RefreshRequest) => RefreshDecision): Explored {
  const machine = createRuleMachine(bounds.bound, judge)
  const rows: Record<string, number> = {}
  const seen = new Set<string>()
  const stack: { world: World; way: Way }[] = [{ world: firstWorld(machine, bounds), way: undefined }]
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { world, way } = top
    for (const { name, next, broken, row } of stepsFrom(world, machine, bounds)) {
      if (row !== undefined) rows[row] = (rows[row] ?? 0) + 1
      const on = { name, before: way }
      if (broken !== undefined) return { states: seen.size, rows, broken: { promise: broken, way: wayOf(on) } }
      const key = nameOf(next)
      if (seen.has(key)) continue
      seen.add(key)
      stack.push({ world: next, way: on })
    }
  }
  return { states: seen.size, rows, broken: undefined }
}

type Way = { readonly name: string; readonly before: Way } | undefined

function wayOf(last: Way): string[] {
  const names: string[] = []
  for (let way = last; way !== undefined; way = way.before) names.unshift(way.name)
  return names
}

function firstWorld({ first }: RuleMachine, { losses, crashes, waits, sends, thief }: Bounds): World {
  const hand: Hand = { sends, holds: 0, request: undefined }
  const hands = thief ? [hand, hand, hand] : [hand, hand]
  const stored = { generation: 0, version: 0 }
  return { seconds: 0, family: first, synced: first, stored, hands, stolen: false, losses, crashes, waits, lates: 0 }
}

function nameOf(world: World): string {
  const { seconds, family, synced, stored, hands, stolen, losses, crashes, waits, lates } = world
  const hand = ({ sends, holds, request }: Hand): string => {
    if (request === undefined) return `${sends} ${holds}`
    const { generation, over, loaded, decided, committed } = request
    return [sends, holds, generation, over, loaded && familyName(loaded), decided?.row, decided?.given, committed].join(
      ' ',
    )
  }
  return [
    [seconds, stored.generation, stored.version, stolen, losses, crashes, waits, lates].join(' '),
    familyName(family),
    familyName(synced),
    ...hands.map(hand),
  ].join('|')
}

function stepsFrom(world: World, machine: RuleMachine, bounds: Bounds): Step[] {
  const steps: Step[] = world.hands.flatMap((_hand, index) => handSteps(world, index, machine, bounds))
  if (world.waits > 0) {
    // What an unbound login bears is stated: an answer comes within the grace. With a thief, anything goes.
    const isUnderway = world.hands.some(({ request }) => request !== undefined)
    for (const seconds of bounds.waitSeconds) {
      if (isUnderway && !bounds.thief && !bounds.bound && seconds >= graceSeconds) continue
      steps.push({
        name: `${seconds} s pass`,
        next: { ...world, seconds: world.seconds + seconds, waits: world.waits - 1 },
      })
    }
  }
  if (world.crashes > 0 && world.synced !== world.family) {
    const next = { ...world, family: world.synced, crashes: world.crashes - 1 }
    steps.push({ name: 'the store crashes and forgets', next })
  }
  if (bounds.thief && !world.stolen) {
    const next = withHand({ ...world, stolen: true }, 2, { holds: world.stored.generation })
    steps.push({ name: 'the thief copies the token', next })
  }
  return steps
}

function withHand(world: World, index: number, change: Partial<Hand>): World {
  return { ...world, hands: world.hands.map((hand, place) => (place === index ? { ...hand, ...change } : hand)) }
}

function handSteps(world: World, index: number, machine: RuleMachine, bounds: Bounds): Step[] {
  const hand = world.hands[index]
  if (hand === undefined) return []
  const who = handNames[index] ?? ''
  const { request } = hand
  const isThief = index === 2
  if (request === undefined) {
    if (hand.sends === 0 || (isThief && !world.stolen)) return []
    const generation = isThief ? hand.holds : world.stored.generation
    const sent = { generation, over: world.stored.version }
    return [
      {
        name: `${who} sends generation ${generation}`,
        next: withHand(world, index, { sends: hand.sends - 1, request: sent }),
      },
    ]
  }
  if (request.decided === undefined) return [load(world, index, request, machine)]
  if (!request.committed) return [commit(world, index, request, bounds)]
  const arrives = deliver(world, index, request)
  if (world.losses === 0) return [arrives]
  const lost = withHand({ ...world, losses: world.losses - 1 }, index, { request: undefined })
  return [arrives, { name: `the answer to ${who} is lost`, next: lost }]
}

/** Load and decide: no time passes in between, and nothing else happens. */
function load(world: World, index: number, request: Request, machine: RuleMachine): Step {
  const { family, seconds } = world
  const decided = machine.decide(family, request.generation, seconds)
  const next = withHand(world, index, { request: { ...request, loaded: family, decided, seconds } })
  return { name: `${handNames[index]}'s node loads and finds row ${decided.row}`, next, row: decided.row }
}

function commit(world: World, index: number, request: Request, bounds: Bounds): Step {
  const { decided, loaded } = request
  const who = handNames[index] ?? ''
  const done = (changed: World): World => withHand(changed, index, { request: { ...request, committed: true } })
  if (decided === undefined || loaded === undefined || decided.wants === undefined) {
    return { name: `${who}'s node has nothing to commit`, next: done(world), broken: judge(world, request, bounds) }
  }
  if (world.family.version !== loaded.version) {
    const again = { generation: request.generation, over: request.over }
    return { name: `${who}'s node is told of a conflict`, next: withHand(world, index, { request: again }) }
  }
  const family = { ...decided.wants, version: loaded.version + 1 }
  const isLate = decided.row >= 9
  const lates = world.lates + (isLate ? 1 : 0)
  const next = done({ ...world, family, lates, synced: decided.durable ? family : world.synced })
  return { name: `${who}'s node commits row ${decided.row}`, next, broken: judge(next, request, bounds) }
}

/** What must hold whenever something was decided for good. */
function judge(
  world: World,
  { decided, loaded, generation, seconds = 0 }: Request,
  bounds: Bounds,
): string | undefined {
  if (decided === undefined || loaded === undefined) return undefined
  const { row, given, refused, wants, audited } = decided
  const ageSeconds = seconds - (loaded.rotatedAt - epoch) / 1000
  const current = (wants ?? loaded).generation
  if (bounds.bound && (refused || row >= 8)) return 'a bound login is never refused'
  if (!refused && given !== undefined && given !== current) return 'who is answered gets the current generation'
  if (row === 5 && current !== loaded.generation + 1) return 'a generation goes up one at a time'
  if (row === 4 && current !== generation) return 'a fast-forward goes where the token is'
  if (!bounds.bound && generation < loaded.generation && ageSeconds >= graceSeconds && !refused && !audited) {
    return 'after the grace the predecessor is noticed'
  }
  if (!bounds.thief && row === 10 && world.lates < 2) return 'without a thief the first late repeat is forgiven'
  return undefined
}

function deliver(world: World, index: number, request: Request): Step {
  const name = `${handNames[index]} has its answer`
  const given = request.decided?.given
  const idle = { request: undefined }
  if (given === undefined) return { name, next: withHand(world, index, idle) }
  if (index === 2) return { name, next: withHand(world, index, { ...idle, holds: given }) }
  // Compare and set: what the other tab has written since stays.
  const { stored } = world
  const written = stored.version === request.over ? { generation: given, version: stored.version + 1 } : stored
  return { name, next: withHand({ ...world, stored: written }, index, idle) }
}
