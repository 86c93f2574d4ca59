import type { User } from '@countersign/core'
import type { Api } from '../actors/api.ts'
import type { Application } from '../actors/application.ts'
import type { Device } from '../actors/device.ts'
import type { PlainClient } from '../actors/plain-client.ts'
import type { History, HistoryEvent, Party } from '../history/history.ts'
import type { Loot, Plan } from '../plan/plan.ts'
import type { Dice } from './dice.ts'
import type { Disk } from './disk.ts'
import type { Network, Sender, Weather } from './network.ts'
import type { NodeProcess } from './node.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Somebody with a copy of something. */
export interface Thief {
  readonly name: string
  readonly loot: Loot
  readonly victim: string
  /** The login that he has part of. */
  readonly familyId: string | undefined
  /** Does what can be done with the loot. */
  act(): Promise<void>
}

/** Everything that takes part in one run. */
export interface World {
  readonly plan: Plan
  readonly time: VirtualTime
  readonly dice: Dice
  readonly disk: Disk
  readonly nodes: readonly NodeProcess[]
  readonly network: Network
  readonly devices: ReadonlyMap<string, Device>
  readonly plains: ReadonlyMap<string, PlainClient>
  /** Those of the plain clients whose users come by the code flow. */
  readonly applications: ReadonlyMap<string, Application>
  readonly apis: readonly Api[]
  readonly thieves: Map<string, Thief>
  readonly users: ReadonlyMap<string, User>
  readonly history: History
  /** Who sends under a name, and whether they are honest. */
  party(sender: Sender): Party
  /** Somebody who sends requests. */
  sender(name: string, honest: boolean): Sender & { weather: Weather }
  tell(event: HistoryEvent): void
  count(fault: string): void
}
