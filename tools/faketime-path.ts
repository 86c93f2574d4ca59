import { existsSync, globSync } from 'node:fs'

/** Where Debian, Ubuntu and others put it; the folder in between is the machine's kind. */
const usualPlaces = ['/usr/lib/*/faketime/libfaketime.so.1', '/usr/lib/faketime/libfaketime.so.1']

/**
 * The library that moves a process's wall clock: `COUNTERSIGN_FAKETIME` if it is set, else the first usual place that holds one.
 * `undefined` if there is none.
 */
export function findFaketime(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment.COUNTERSIGN_FAKETIME
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined
  return usualPlaces.flatMap(place => globSync(place))[0]
}
