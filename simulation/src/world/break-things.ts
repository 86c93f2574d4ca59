import type { Step } from '../plan/plan.ts'
import { goBackToBackup, promoteStale } from './restore.ts'
import type { World } from './world.ts'

/** What happens to nodes and to the store. */
export async function breakStore(world: World, step: Step, time: World['time']): Promise<void> {
  const { nodes, count, disk } = world
  const during = (length: number, end: () => void): void => void time.after(length, end)
  const link = 'node' in step ? nodes[step.node]?.link : undefined
  switch (step.do) {
    case 'crash node': {
      const node = nodes[step.node]
      count('node crash')
      node?.crash()
      return during(step.for, () => void node?.start())
    }
    case 'crash in step': {
      const node = nodes[step.node]
      if (link === undefined) return
      link.diesAfterSteps = step.step
      return during(step.for, () => {
        link.diesAfterSteps = 0
        if (node?.running() === undefined) void node?.start()
      })
    }
    case 'cut store':
    case 'cut ring': {
      if (link === undefined) return
      const member = step.do === 'cut store' ? 'cut' : 'ringCut'
      count(step.do === 'cut store' ? 'store out of reach' : 'key ring out of reach')
      link[member] = true
      return during(step.for, () => {
        link[member] = false
      })
    }
    case 'signing fails':
      if (link === undefined) return
      count('signing fails')
      link.signingFails = true
      return during(step.for, () => {
        link.signingFails = false
      })
    case 'slow store':
      if (link === undefined) return
      count('slow store')
      Object.assign(link, { slow: 0.5, slowMilliseconds: step.by })
      return during(step.for, () => void Object.assign(link, { slow: 0, slowMilliseconds: 0 }))
    case 'unknown outcomes':
      if (link === undefined) return
      link.unknownOutcome = 0.4
      return during(step.for, () => {
        link.unknownOutcome = 0
      })
    case 'disk full':
      count('disk full')
      for (const node of nodes) node.link.full = true
      return during(step.for, () => {
        for (const node of nodes) node.link.full = false
      })
    case 'crash store': {
      count('store crash')
      for (const node of nodes) node.link.cut = true
      const before = disk.applied
      const gone = await disk.forget(step.forgets, unsynced => Math.floor(unsynced * step.keeps))
      if (gone > 0) count('unsynced commits forgotten')
      world.tell({ kind: 'forgotten', time: time.now(), how: 'crash', lost: before.slice(before.length - gone) })
      return during(step.for, () => {
        for (const node of nodes) node.link.cut = false
      })
    }
    case 'stale replica':
      return promoteStale(world, step.lag)
    case 'restore':
      return goBackToBackup(world, step.age, step.journal)
    case 'sleep':
      count('all asleep')
      return
    default:
      throw new Error(`nobody does "${step.do}"`)
  }
}
