import type { History } from '../history/history.ts'
import type { World } from '../world/world.ts'
import { judgeAudit } from './audit.ts'
import { judgeChain } from './one-chain.ts'
import { judgeRevocation } from './revocation.ts'
import { judgeSurvival } from './survival.ts'
import { judgeTolerance } from './tolerance.ts'
import { truthOf } from './truth.ts'
import type { Violation } from './violation.ts'
import { judgeLogouts } from './wrong-logout.ts'

/** Everything that was promised, judged on what has happened. In order of time. */
export async function judge(world: World): Promise<Violation[]> {
  const { disk, history, thieves, nodes } = world
  const log = disk.applied
  const lost = history.events.flatMap(event => (event.kind === 'forgotten' ? event.lost : []))
  const truth = truthOf(log, lost)
  const all = [...log, ...lost].sort((one, other) => one.time - other.time)
  return [
    ...judgeChain(log),
    ...judgeAudit(log, await disk.auditRows()),
    ...judgeLogouts(history, truth, truthOf(all)),
    ...judgeRevocation(history, truth),
    ...judgeTolerance(history, truth, party => thieves.get(party)?.loot, nodes.length),
    ...judgeSurvival(history),
    ...judgeEvents(history),
  ].sort((one, other) => one.time - other.time)
}

function judgeEvents(history: History): Violation[] {
  return history.events.flatMap(event => {
    if (event.kind === 'failure') return [{ rule: 'nothing fails unexpectedly', time: event.time, text: event.text }]
    if (event.kind === 'stuck') {
      return [{ rule: 'when the faults are over, everybody gets well', time: event.time, text: event.text }]
    }
    return []
  })
}
