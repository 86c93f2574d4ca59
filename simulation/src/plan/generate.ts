import type { DeviceSpec } from '../actors/device.ts'
import { clientsThatAsk } from '../world/clients.ts'
import { createDice, type Dice } from '../world/dice.ts'
import type { PlainSpec, Plan, Step } from './plan.ts'
import { type Cast, type TroubleKind, troubleKinds, troubles } from './troubles.ts'

const second = 1_000
const minute = 60 * second

/** What a plan is to be about; by default anything. */
export interface Focus {
  readonly troubles?: readonly TroubleKind[]
  readonly apis?: number
  readonly nodes?: number
  /** Only clients that are bound to no key. */
  readonly unbound?: boolean
  /** Only applications of others, whose users come by the code flow. */
  readonly applications?: boolean
}

/** The plan of a seed: a small cast, and a few kinds of trouble at random moments. */
export function generatePlan(seed: number, focus: Focus = {}): Plan {
  const dice = createDice(`plan ${seed}`)
  const nodes = focus.nodes ?? dice.pick([1, 2, 2, 3])
  const apis = focus.apis ?? (dice.chance(0.25) ? dice.pick([1, 1, 2]) : 0)
  const length = apis > 0 ? dice.between(2, 5) * minute : dice.between(3, 15) * minute
  const hasDevices = !focus.unbound && !focus.applications
  const devices = Array.from({ length: !hasDevices ? 0 : dice.pick([0, 1, 1, 2]) }, (_, index) => device(dice, index))
  const plains = Array.from({ length: devices.length === 0 ? dice.pick([1, 2]) : dice.pick([0, 0, 1]) }, (_, index) =>
    plain(dice, index, focus.applications ? applicationIds : plainIds),
  )
  const cast: Cast = { dice, nodes, apis, devices, plains, length }
  const steps = [...everyday(cast), ...troubles(cast, focus.troubles ?? troubleKinds)]
    .sort((one, other) => one.when - other.when)
    .filter(step => step.when < length)
  const refreshKeyRotation = dice.chance(0.1) ? 120 : 0
  return { seed, nodes, apis, devices, plains, refreshKeyRotation, steps, length }
}

function device(dice: Dice, index: number): DeviceSpec {
  const tabs = dice.pick([1, 1, 2, 3])
  return {
    name: ['laptop', 'phone', 'tablet'][index] ?? `device ${index}`,
    user: dice.pick(['maria', 'maria', 'tom']),
    clientId: dice.pick(['app', 'app', 'strict']),
    bound: dice.chance(0.7),
    tabs,
    shared: dice.chance(0.8),
    locks: dice.chance(0.6),
  }
}

const applicationIds = ['partner', 'partner', 'shop'] as const
const plainIds = ['plain', 'legacy', 'web', 'partner', 'shop'] as const

function plain(dice: Dice, index: number, clientIds: readonly PlainSpec['clientId'][]): PlainSpec {
  const user = dice.pick(['maria', 'tom'])
  const clientId = dice.pick(clientIds)
  const names = clientsThatAsk.has(clientId) ? ['calendar', 'photo printer'] : ['mail program', 'command line']
  return {
    name: names[index] ?? `client ${index}`,
    user,
    clientId,
    patience: dice.pick([3, 5, 10]) * second,
    pauses: dice.pick([[0.1], [1, 2], [2, 4], [5], []]).map(seconds => seconds * second),
  }
}

function everyday({ dice, devices, plains, length }: Cast): Step[] {
  const steps: Step[] = []
  const parties = [
    ...devices.map(({ name, tabs, shared }) => ({ name, tabs, logins: shared ? 1 : tabs })),
    ...plains.map(({ name }) => ({ name, tabs: 1, logins: 1 })),
  ]
  for (const { name, tabs, logins } of parties) {
    const own = dice.fork(name)
    for (let tab = 0; tab < logins; tab++)
      steps.push({ when: own.between(0, 5) * second, do: 'sign in', party: name, tab })
    for (let tab = 0; tab < tabs; tab++) {
      const pace = own.pick([20, 45, 70, 130]) * second
      for (let when = 8 * second + own.next() * pace; when < length; when += pace * (0.5 + own.next())) {
        steps.push({ when, do: own.chance(0.2) ? 'refresh' : 'use', party: name, tab })
      }
    }
  }
  return steps
}
