import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contender, RunningServer } from './servers/contender.ts'
import { type HonestResult, measureHonest } from './workload/measure-honest.ts'
import { measureThefts, type Theft } from './workload/measure-thefts.ts'
import { type HonestScenario, honestScenarios, type TheftScenario, theftScenarios } from './workload/scenarios.ts'

export interface HonestRow extends HonestResult {
  readonly contender: string
  readonly scenario: string
}

/** So many thefts of one kind, and what was seen of them. */
export interface TheftRow {
  readonly contender: string
  readonly scenario: TheftScenario
  readonly thefts: number
  /** The thief was given tokens at least once. */
  readonly answered: number
  /** Of those: the login has ended, for the thief too. */
  readonly ended: number
  /** Of the others: the server has written down that something is wrong, and he goes on. */
  readonly flagged: number
  /** Of those answered: he goes on, and nothing tells. */
  readonly unseen: number
  /** The thief goes on, and the user is the one who was signed out. */
  readonly tookOver: number
}

export async function compareHonest(
  contender: Contender,
  scenario: HonestScenario,
  logins: number,
): Promise<HonestRow> {
  const { result } = await onFreshServer(contender, async server =>
    measureHonest(server, scenario, await server.logIn(logins)),
  )
  const { loggedOut, refused, forked, failures } = result
  return {
    contender: contender.name,
    scenario: scenario.name,
    logins: result.logins,
    loggedOut,
    refused,
    forked,
    failures,
  }
}

export async function compareThefts(contender: Contender, scenario: TheftScenario, logins: number): Promise<TheftRow> {
  const { result, suspicions } = await onFreshServer(contender, async server =>
    measureThefts(server, scenario, await server.logIn(logins)),
  )
  const count = (isSo: (theft: Theft) => boolean): number => result.filter(isSo).length
  const gotTokens = ({ answered }: Theft): boolean => answered > 0
  const isFlagged = ({ loginId }: Theft): boolean => suspicions.has(loginId)
  return {
    contender: contender.name,
    scenario,
    thefts: result.length,
    answered: count(gotTokens),
    ended: count(theft => gotTokens(theft) && !theft.goesOn),
    flagged: count(theft => theft.goesOn && isFlagged(theft)),
    unseen: count(theft => theft.goesOn && !isFlagged(theft)),
    tookOver: count(theft => theft.goesOn && theft.victimIsOut),
  }
}

/** Everything for one contender. */
export async function compareAll(
  contender: Contender,
  logins: number,
  say: (line: string) => void,
): Promise<{ honest: HonestRow[]; thefts: TheftRow[] }> {
  const [honest, thefts]: [HonestRow[], TheftRow[]] = [[], []]
  for (const scenario of honestScenarios) {
    const row = await compareHonest(contender, scenario, logins)
    honest.push(row)
    say(`${row.contender}, ${row.scenario}: ${row.loggedOut} of ${row.logins} logged out`)
  }
  for (const scenario of theftScenarios(contender.bound)) {
    const row = await compareThefts(contender, scenario, logins)
    thefts.push(row)
    say(`${row.contender}, ${scenario.loot} ${scenario.name}: ${row.unseen} of ${row.answered} unseen`)
  }
  return { honest, thefts }
}

async function onFreshServer<Result>(
  contender: Contender,
  measure: (server: RunningServer) => Promise<Result>,
): Promise<{ result: Result; suspicions: ReadonlySet<string> }> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-comparison-'))
  try {
    const server = await contender.start(folder)
    const result = await measure(server)
    return { result, suspicions: await server.stop() }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
