import type { StoredAuditRow } from '@countersign/store'
import type { Applied } from '../history/applied.ts'
import type { History } from '../history/history.ts'
import type { Loot } from '../plan/plan.ts'
import type { World } from '../world/world.ts'
import { judgeAudit } from './audit.ts'
import { judgeCodes } from './codes.ts'
import { judgeChain } from './one-chain.ts'
import { judgeRevocation } from './revocation.ts'
import { judgeSurvival } from './survival.ts'
import { judgeTolerance, type Tolerance } from './tolerance.ts'
import { truthOf } from './truth.ts'
import type { Violation } from './violation.ts'
import { judgeLogouts } from './wrong-logout.ts'

/** What is known of a run, simulated or real. */
export interface Recorded {
  /** What the store has applied and holds, in order. */
  readonly log: readonly Applied[]
  readonly history: History
  readonly auditRows: readonly StoredAuditRow[]
  /** False: rows of several changes may be numbered in another order than the changes were made in. Default: true. */
  readonly auditInOrder?: boolean
  readonly nodes: number
  readonly lootOf: (party: string) => Loot | undefined
  readonly tolerance: Tolerance
}

/** The tolerance of a client by default. */
const defaultTolerance: Tolerance = { graceMilliseconds: 20_000, minimumLifeMilliseconds: 60_000 }

export async function judge({ disk, history, thieves, nodes }: World): Promise<Violation[]> {
  return judgeRecorded({
    log: disk.applied,
    history,
    auditRows: await disk.auditRows(),
    nodes: nodes.length,
    lootOf: party => thieves.get(party)?.loot,
    tolerance: defaultTolerance,
  })
}

/** Everything that was promised, judged on what has happened. In order of time. */
export function judgeRecorded(recorded: Recorded): Violation[] {
  const { log, history, auditRows, auditInOrder = true, nodes, lootOf, tolerance } = recorded
  const lost = history.events.flatMap(event => (event.kind === 'forgotten' ? event.lost : []))
  const truth = truthOf(log, lost)
  const all = [...log, ...lost].sort((one, other) => one.time - other.time)
  return [
    ...judgeChain(log),
    ...judgeAudit(log, auditRows, auditInOrder),
    ...judgeLogouts(history, truth, truthOf(all), tolerance.graceMilliseconds),
    ...judgeRevocation(history, truth),
    ...judgeTolerance(history, truth, { lootOf, nodes, tolerance }),
    ...judgeSurvival(history),
    ...judgeCodes(history, { truth, lootOf }),
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
