import { clientsThatAsk } from '../world/clients.ts'
import type { Dice } from '../world/dice.ts'
import type { Loot, Plan, Step } from './plan.ts'

const second = 1_000

/** Kinds of trouble. */
export type TroubleKind =
  | 'weather'
  | 'tabs'
  | 'deviceClock'
  | 'nodeClock'
  | 'nodeCrash'
  | 'storeCrash'
  | 'storeClock'
  | 'staleReplica'
  | 'sleep'
  | 'storeCut'
  | 'ringCut'
  | 'signing'
  | 'slowStore'
  | 'rush'
  | 'race'
  | 'unknownOutcomes'
  | 'diskFull'
  | 'restore'
  | 'keys'
  | 'operator'
  | 'user'
  | 'password'
  | 'codes'
  | 'consent'
  | 'feed'
  | 'feedOrder'
  | 'thief'

/** Who is there, and for how long. */
export interface Cast extends Pick<Plan, 'nodes' | 'apis' | 'devices' | 'plains' | 'length'> {
  readonly dice: Dice
}

type Trouble = (cast: Cast, when: number) => Step[]

function partyOf({ dice, devices, plains }: Cast): string {
  return dice.pick([...devices, ...plains]).name
}

function applicationOf({ dice, plains }: Cast): string | undefined {
  const names = plains.filter(({ clientId }) => clientsThatAsk.has(clientId)).map(({ name }) => name)
  return names.length === 0 ? undefined : dice.pick(names)
}

function isUnbound({ devices, plains }: Cast, party: string): boolean {
  return plains.some(({ name }) => name === party) || devices.some(({ name, bound }) => name === party && !bound)
}

const troubleMakers: Readonly<Record<TroubleKind, Trouble>> = {
  weather(cast, when) {
    const { dice } = cast
    const party = partyOf(cast)
    // What an unbound login bears is stated: delays and repeats within the grace.
    const within = isUnbound(cast, party) ? 12 * second : dice.pick([10, 100, 400]) * second
    const weather = dice.pick([
      { loseAnswer: 0.5 },
      { loseRequest: 0.5 },
      { loseAnswer: 0.3, loseRequest: 0.3 },
      { repeat: 0.6, repeatWithin: within },
      { delay: 0.6, delayWithin: within },
      { loseAnswer: 0.3, repeat: 0.4, repeatWithin: within, delay: 0.4, delayWithin: within / 2 },
      { offline: true },
    ])
    return [{ when, do: 'weather', party, weather, for: dice.between(5, 180) * second }]
  },
  tabs(cast, when) {
    const { dice, devices } = cast
    if (devices.length === 0) return []
    const { name, tabs } = dice.pick(devices)
    const tab = dice.below(tabs)
    const later = when + dice.between(1, 60) * second
    return dice.chance(0.5)
      ? [
          { when, do: 'freeze', party: name, tab },
          { when: later, do: 'reopen', party: name, tab },
        ]
      : [
          { when, do: 'reopen', party: name, tab },
          { when: later, do: 'wake', party: name, tab },
        ]
  },
  deviceClock: (cast, when) => [
    {
      when,
      do: 'device clock',
      party: partyOf(cast),
      by: cast.dice.pick([-3_600, -300, -61, 61, 300, 3_600]) * second,
    },
  ],
  nodeClock: ({ dice, nodes }, when) => [
    { when, do: 'node clock', node: dice.below(nodes), by: dice.pick([-600, -90, -30, 30, 90, 600]) * second },
  ],
  nodeCrash({ dice, nodes }, when) {
    const [node, length] = [dice.below(nodes), dice.between(0.1, 20) * second]
    return dice.chance(0.5)
      ? [{ when, do: 'crash node', node, for: length }]
      : [{ when, do: 'crash in step', node, step: 1 + dice.below(8), for: 30 * second + length }]
  },
  storeCrash: ({ dice }, when) => [
    {
      when,
      do: 'crash store',
      forgets: dice.pick([1, 10, 30]) * second,
      keeps: dice.next(),
      for: dice.between(0.1, 10) * second,
    },
  ],
  storeClock: ({ dice }, when) => [{ when, do: 'store clock', by: dice.pick([-300, -30, 30, 300]) * second }],
  staleReplica: ({ dice }, when) => [{ when, do: 'stale replica', lag: dice.pick([5, 60, 300]) * second }],
  // Feeds are followed every second: where somebody follows, nobody sleeps for weeks.
  sleep: ({ dice, apis }, when) =>
    apis > 0 ? [] : [{ when, do: 'sleep', for: dice.pick([0.1, 1, 20, 29, 31]) * 86_400 * second }],
  storeCut: ({ dice, nodes }, when) => [
    { when, do: 'cut store', node: dice.below(nodes), for: dice.between(0.5, 90) * second },
  ],
  ringCut: ({ dice, nodes }, when) => [
    { when, do: 'cut ring', node: dice.below(nodes), for: dice.between(60, 150) * second },
  ],
  signing: ({ dice, nodes }, when) => [
    { when, do: 'signing fails', node: dice.below(nodes), for: dice.between(1, 90) * second },
  ],
  /** Everybody at once, and twice over. */
  rush({ dice, devices, plains }, when) {
    const steps: Step[] = []
    for (const { name, tabs } of [...devices, ...plains.map(one => ({ ...one, tabs: 1 }))]) {
      const weather = { repeat: 0.7, repeatWithin: 5 }
      steps.push({ when: when - 1, do: 'weather', party: name, weather, for: second })
      for (let tab = 0; tab < tabs; tab++) steps.push({ when: when + dice.next() * 3, do: 'refresh', party: name, tab })
    }
    return steps
  },
  /** An end beside a refresh. */
  race(cast, when) {
    const { dice } = cast
    const party = partyOf(cast)
    const user = [...cast.devices, ...cast.plains].find(({ name }) => name === party)?.user ?? 'maria'
    const end = dice.pick<Step>([
      { when, do: 'sign out', party, tab: 0 },
      { when, do: 'end session', party },
      { when, do: 'end all', user },
      { when, do: 'log out everywhere', party },
      { when, do: 'sign in', party, tab: 0 },
    ])
    const beside = (): Step => ({ when: when + dice.between(-40, 40), do: 'refresh', party, tab: 0 })
    return [end, beside(), beside(), { when: when + 200, do: 'sign in', party, tab: 0 }]
  },
  slowStore: ({ dice, nodes }, when) => [
    {
      when,
      do: 'slow store',
      node: dice.below(nodes),
      for: dice.between(5, 60) * second,
      by: dice.pick([50, 500, 3_000]),
    },
  ],
  unknownOutcomes: ({ dice, nodes }, when) => [
    { when, do: 'unknown outcomes', node: dice.below(nodes), for: dice.between(5, 60) * second },
  ],
  diskFull: ({ dice }, when) => [{ when, do: 'disk full', for: dice.between(1, 40) * second }],
  restore: ({ dice }, when) => [
    { when, do: 'restore', age: dice.pick([30, 120, 600]) * second, journal: dice.chance(0.5) },
  ],
  keys: ({ dice }, when) => [{ when, do: dice.pick(['rotate keys', 'rotate keys', 'retire key'] as const) }],
  operator(cast, when) {
    const { dice } = cast
    const user = dice.pick(['maria', 'tom'])
    return dice.pick<Step[]>([
      [{ when, do: 'end session', party: partyOf(cast) }],
      [{ when, do: 'end all', user }],
      [
        { when, do: 'disable', user },
        { when: when + 20 * second, do: 'enable', user },
      ],
    ])
  },
  user(cast, when) {
    const { dice } = cast
    const party = partyOf(cast)
    const again: Step = { when: when + dice.between(0, 20) * second, do: 'sign in', party, tab: 0 }
    const first = dice.pick(['sign out', 'log out everywhere', 'change password', 'sign in'] as const)
    if (first === 'sign out' || first === 'sign in') return [{ when, do: first, party, tab: 0 }, again]
    return [{ when, do: first, party }, again]
  },
  /** A change of the password beside refreshes, and none of the answers comes. */
  password(cast, when) {
    const party = partyOf(cast)
    const refresh = (after: number): Step => ({ when: when + after * second, do: 'refresh', party, tab: 0 })
    return [
      { when: when - 10, do: 'weather', party, weather: { loseAnswer: 0.8 }, for: 3 * second },
      refresh(0),
      { when: when + cast.dice.between(0, 2_000), do: 'change password', party },
      refresh(cast.dice.between(3, 15)),
    ]
  },
  /** A code that is presented again: soon, or when it must be taken for stolen. */
  codes(cast, when) {
    const { dice } = cast
    const party = applicationOf(cast)
    if (party === undefined) return []
    const weather = dice.pick([{ loseAnswer: 0.5 }, { repeat: 0.6, repeatWithin: dice.pick([5, 25]) * second }, {}])
    return [
      { when: when - 10, do: 'weather', party, weather, for: 20 * second },
      { when, do: 'sign in', party, tab: 0 },
      { when: when + dice.pick([dice.between(3, 14), dice.between(15, 60)]) * second, do: 'repeat code', party },
      { when: when + dice.between(60, 100) * second, do: 'sign in', party, tab: 0 },
    ]
  },
  /** A user takes back what they have allowed: in use, beside a refresh, or between a code and its redemption. */
  consent(cast, when) {
    const { dice } = cast
    const party = applicationOf(cast)
    if (party === undefined) return []
    const back: Step = { when, do: 'take consent back', party }
    const signIn = (after: number): Step => ({ when: when + after, do: 'sign in', party, tab: 0 })
    const refresh = (after: number): Step => ({ when: when + after, do: 'refresh', party, tab: 0 })
    return dice.pick<Step[]>([
      [back, refresh(dice.between(-40, 40)), refresh(dice.between(-40, 40)), signIn(dice.between(1, 30) * second)],
      [signIn(-dice.between(0.1, 8) * second), back, signIn(dice.between(20, 60) * second)],
      [back],
    ])
  },
  feed: ({ dice, apis }, when) =>
    apis === 0
      ? []
      : [
          {
            when,
            do: 'weather',
            party: `api ${1 + dice.below(apis)}`,
            weather: { offline: true },
            for: dice.between(2, 40) * second,
          },
        ],
  /** Messages of the feed overtake each other, or come twice, while a session ends whose tokens are used on. */
  feedOrder(cast, when) {
    const { dice, apis } = cast
    if (apis === 0) return []
    const party = partyOf(cast)
    const weather = dice.pick([{ shuffle: 0.5 }, { double: 0.5 }, { shuffle: 0.3, double: 0.3 }])
    const used = [-2, 15, 18, 22, 26, 32].map((after): Step => {
      return { when: when + (10 + after) * second, do: 'use', party, tab: 0 }
    })
    return [
      { when, do: 'weather', party: `api ${1 + dice.below(apis)}`, weather, for: dice.between(30, 120) * second },
      { when: when + 10 * second, do: 'end session', party },
      ...used,
    ]
  },
  thief(cast, when) {
    const { dice, length } = cast
    const party = partyOf(cast)
    const loot = dice.pick<Loot>([
      'token',
      'token',
      'request',
      'profile',
      'page',
      'code',
      'database',
      'refresh key',
      'signing key',
    ])
    const thief = `thief of ${party}'s ${loot} at ${Math.round(when / second)}`
    const tabs = cast.devices.find(({ name }) => name === party)?.tabs ?? 1
    const steps: Step[] = [{ when, do: 'steal', party, tab: dice.below(tabs), loot, thief }]
    const pace = dice.pick([1, 15, 70, 150]) * second
    for (let next = when + dice.next() * pace; next < length; next += pace * (0.5 + dice.next())) {
      if (steps.length < 8) steps.push({ when: next, do: 'thief acts', thief })
    }
    return steps
  },
}

export const troubleKinds = Object.keys(troubleMakers) as TroubleKind[]

/** A few kinds of trouble at random moments. */
export function troubles(cast: Cast, possible: readonly TroubleKind[]): Step[] {
  const { dice, length } = cast
  const kinds = Array.from({ length: 1 + dice.below(4) }, () => dice.pick(possible))
  return kinds.flatMap(kind => {
    const own = dice.fork(`trouble ${kind} ${dice.below(1e9)}`)
    return Array.from({ length: 1 + own.below(3) }, () =>
      troubleMakers[kind]({ ...cast, dice: own }, own.between(8 * second, length)),
    ).flat()
  })
}
