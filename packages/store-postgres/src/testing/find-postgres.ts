import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const debianFolder = '/usr/lib/postgresql'

/**
 * The folder of the server's programs: `COUNTERSIGN_POSTGRES` if it is set, else that of the newest of Debian's versions. `undefined` if
 * there is none, also when the variable names a folder without them.
 */
export function findPostgres(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment.COUNTERSIGN_POSTGRES
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder) : []
  const newestFirst = versions.sort((one, other) => Number(other) - Number(one))
  const folders = named === undefined || named === '' ? newestFirst.map(one => join(debianFolder, one, 'bin')) : [named]
  return folders.find(folder => existsSync(join(folder, 'postgres')))
}

/** PgBouncer: `COUNTERSIGN_PGBOUNCER` if it is set, else where Debian puts it. */
export function findPgbouncer(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = environment.COUNTERSIGN_PGBOUNCER || '/usr/sbin/pgbouncer'
  return existsSync(path) ? path : undefined
}
