import { readFileSync } from 'node:fs'

/** Seconds of processor time that a process has used, where /proc tells. */
export function processorSeconds(pid: number): number | null {
  return ticks(pid, [11, 12])
}

/** That of a PostgreSQL server: of its first process, of all that it started, and of those of them that have ended. */
export function databaseProcessorSeconds(pid: number): number | null {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
    const living = children.reduce((sum, child) => sum + (processorSeconds(child) ?? 0), 0)
    return (ticks(pid, [11, 12, 13, 14]) ?? Number.NaN) + living
  } catch {
    return null
  }
}

/** Fields of /proc/…/stat, counted from behind the name; a hundred ticks a second. */
function ticks(pid: number, fields: readonly number[]): number | null {
  try {
    const all = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return fields.reduce((sum, field) => sum + Number(all[field]), 0) / 100
  } catch {
    return null
  }
}
