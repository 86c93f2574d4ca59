import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { type RunningServer, residentMiB } from '../harness/processes.ts'
import { type Aim, atLeast, figure, interleave, median, type Settings, type Table } from '../harness/workload.ts'
import { runLoad } from '../load/run.ts'
import type { LoadResult, LoadTask } from '../load/task.ts'

type Given = 'connections' | 'warmSeconds' | 'seconds' | 'serverPid' | 'databasePid'
type TaskOf<Task> = Task extends LoadTask ? Omit<Task, Given> : never

/** What the load asks of a server. */
export type Work = TaskOf<LoadTask>

/** A server of the comparison. All are started first, each with a folder of its own, and wait while others are measured. */
export interface Contestant {
  readonly name: string
  readonly start: (folder: string) => Promise<RunningServer<Work>>
}

interface Outcome extends LoadResult {
  readonly residentMiB: number | undefined
}

export interface Contest {
  readonly table: Table
  /** Of the first contestant over this one. */
  readonly lead: (name: string) => Lead
}

/** How many times as much one does as another; undefined where it cannot be told. */
export interface Lead {
  readonly rate: number | undefined
  /** In the same processor time. */
  readonly perCore: number | undefined
}

const warmSecondsOf = ({ short }: Settings): number => (short ? 0.5 : 1.5)

/** What measuring so many takes; the process of the load takes a moment to start. */
export function contestSeconds(settings: Settings, contestants: number): number {
  return contestants * settings.rounds * (settings.seconds + warmSecondsOf(settings) + 0.7)
}

/** Measures the contestants in turn. The first is ours, to whom the others are compared. */
export async function contest(
  title: string,
  contestants: readonly Contestant[],
  settings: Settings,
  notes: readonly string[],
): Promise<Contest> {
  const started: { name: string; server: RunningServer<Work> }[] = []
  try {
    for (const { name, start } of contestants) {
      started.push({ name, server: await start(mkdtempSync(join(settings.folder, 'contest-'))) })
      settings.progress(`${name} is ready`)
    }
    const results = await interleave(
      started,
      settings,
      ({ server }) => measure(server, settings),
      one => `${figure(one.perSecond)}/s, ${figure(coreMicroseconds(one))} µs of core each`,
    )
    const ours = results[0]?.outcomes ?? []
    const leadOver = (theirs: readonly Outcome[]): Lead => ({
      rate: quotient(middle(ours, perSecond), middle(theirs, perSecond)),
      perCore: quotient(middle(theirs, coreMicroseconds), middle(ours, coreMicroseconds)),
    })
    const lead = (name: string): Lead => leadOver(results.find(({ subject }) => subject.name === name)?.outcomes ?? [])
    const rows = results.map(({ subject, outcomes }) => [
      ...rowOf(subject.name, outcomes, leadOver(outcomes)),
      ...(settings.databasePid === undefined ? [] : [figure(middle(outcomes, databaseMicroseconds))]),
    ])
    return {
      lead,
      table: {
        title,
        columns: settings.databasePid === undefined ? columns : [...columns, databaseColumn],
        rows,
        notes: [...notes, ...remarks(results.flatMap(one => one.outcomes))],
      },
    }
  } finally {
    for (const { server } of started) await server.stop()
  }
}

const columns = [
  '',
  'per second',
  'ours is',
  'p50 ms',
  'p99 ms',
  'µs of core each',
  'ours is',
  'server core',
  'load core',
  'resident MiB',
]

const databaseColumn = 'µs of PostgreSQL each'

function rowOf(name: string, outcomes: readonly Outcome[], { rate, perCore }: Lead): string[] {
  const show = (of: Measure, digits = 0): string => figure(middle(outcomes, of), digits)
  return [
    name,
    show(perSecond),
    times(rate),
    show(one => one.p50Ms, 1),
    show(one => one.p99Ms, 1),
    show(coreMicroseconds),
    times(perCore),
    show(one => one.cpu.server ?? undefined, 2),
    show(one => one.cpu.load, 2),
    show(one => one.residentMiB),
  ]
}

type Measure = (one: Outcome) => number | undefined

const perSecond: Measure = one => one.perSecond
const coreMicroseconds: Measure = ({ cpu, perSecond }) =>
  cpu.server === null ? undefined : (cpu.server / perSecond) * 1e6

const databaseMicroseconds: Measure = ({ cpu, perSecond }) =>
  cpu.database === null ? undefined : (cpu.database / perSecond) * 1e6

function middle(outcomes: readonly Outcome[], of: Measure): number | undefined {
  return median(outcomes.map(one => of(one) ?? Number.NaN))
}

function quotient(upper: number | undefined, lower: number | undefined): number | undefined {
  return upper && lower ? upper / lower : undefined
}

function times(value: number | undefined): string {
  return `${figure(value, 2)}×`
}

/** Met by what the two did in a second; processor time stands beside it, since that holds on a machine that is not idle. */
export function aimForLead(what: string, least: number, { rate, perCore }: Lead): Aim {
  const aim = atLeast(what, least, rate, '×', 2)
  return { ...aim, reached: `${aim.reached} (${times(perCore)} per core)` }
}

function remarks(outcomes: readonly Outcome[]): string[] {
  const found: string[] = []
  if (outcomes.some(one => one.cpu.load > 0.9)) {
    found.push('The load generator filled its core in some rounds: there the server could have done more.')
  }
  const kept = outcomes.reduce((sum, one) => sum + one.withoutRotation, 0)
  if (kept > 0) found.push(`${figure(kept)} answers came without a new refresh token.`)
  return found
}

async function measure({ ready, pid }: RunningServer<Work>, settings: Settings): Promise<Outcome> {
  const { connections, seconds, databasePid } = settings
  const warmSeconds = warmSecondsOf(settings)
  const result = await runLoad({ ...ready, connections, warmSeconds, seconds, serverPid: pid, databasePid })
  return { ...result, residentMiB: residentMiB(pid) }
}
