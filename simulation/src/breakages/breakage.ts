import type { HttpRequest, JudgeRefresh } from '@countersign/server'
import type { Focus } from '../plan/generate.ts'
import type { Step } from '../plan/plan.ts'
import type { Network } from '../world/network.ts'
import type { NodeProcess } from '../world/node.ts'
import type { WrapStore } from '../world/node-store.ts'
import type { World } from '../world/world.ts'

/** One thing done wrongly on purpose, to see whether the simulation finds it. Nothing of it is in the packages. */
export interface Breakage {
  readonly name: string
  /** The kinds of trouble in which it would show. */
  readonly focus: Focus
  /** The promises that alone can find it. */
  readonly foundBy?: readonly string[]
  /** The fault without which it does not show. */
  readonly needs?: (step: Step) => boolean
  /** Changes requests on their way into a node. */
  readonly intake?: (world: World) => (request: HttpRequest) => HttpRequest
  readonly wrapStore?: (world: () => World, node: number) => WrapStore
  readonly judgeRefresh?: (world: World, node: NodeProcess) => JudgeRefresh
  readonly deviceNetwork?: (world: World) => Network
  /** Changes messages of the feed as they arrive. */
  readonly apiMessage?: (world: World) => (text: string) => string
  readonly apiNetwork?: (world: World) => Network
}
