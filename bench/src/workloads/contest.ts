import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { type RunningServer, residentMiB } from '../harness/processes.ts'
import { figure, interleave, median, ratio, type Settings, type Table } from '../harness/workload.ts'
import { runLoad } from '../load/run.ts'
import type { LoadResult, LoadTask } from '../load/task.ts'

type TaskOf<Task> = Task extends LoadTask ? Omit<Task, 'connections' | 'warmSeconds' | 'seconds' | 'serverPid'> : never

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
  /** By name: how many times as much the first contestant does as this one; undefined where one of them did nothing. */
  readonly lead: (name: string) => number | undefined
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
      ({ perSecond, cpu }) =>
        `${figure(perSecond)}/s, ${figure(cpu.server === null ? undefined : (cpu.server / perSecond) * 1e6)} µs of core each`,
    )
    const rate = (name: string | undefined): number | undefined =>
      median(results.find(({ subject }) => subject.name === name)?.outcomes.map(one => one.perSecond) ?? [])
    const ours = rate(contestants[0]?.name)
    const lead = (name: string): number | undefined => {
      const theirs = rate(name)
      return ours && theirs ? ours / theirs : undefined
    }
    const rows = results.map(({ subject, outcomes }) => rowOf(subject.name, outcomes, ratio(ours, rate(subject.name))))
    return {
      lead,
      table: { title, columns, rows, notes: [...notes, ...remarks(results.flatMap(one => one.outcomes))] },
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
  'server core',
  'load core',
  'resident MiB',
]

function rowOf(name: string, outcomes: readonly Outcome[], lead: string): string[] {
  const middle = (of: (one: Outcome) => number | null | undefined, digits = 0): string =>
    figure(median(outcomes.map(one => of(one) ?? Number.NaN)), digits)
  return [
    name,
    middle(one => one.perSecond),
    lead,
    middle(one => one.p50Ms, 1),
    middle(one => one.p99Ms, 1),
    middle(one => one.cpu.server && (one.cpu.server / one.perSecond) * 1e6),
    middle(one => one.cpu.server, 2),
    middle(one => one.cpu.load, 2),
    middle(one => one.residentMiB),
  ]
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
  const { connections, seconds } = settings
  const warmSeconds = settings.short ? 0.5 : 1.5
  const result = await runLoad({ ...ready, connections, warmSeconds, seconds, serverPid: pid })
  return { ...result, residentMiB: residentMiB(pid) }
}
