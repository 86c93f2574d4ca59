import { existsSync } from 'node:fs'

/** Valkey or Redis: `COUNTERSIGN_REDIS` if it is set, else where Debian puts it. */
export function findValkey(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = environment.COUNTERSIGN_REDIS
  const paths = named === undefined || named === '' ? ['/usr/bin/valkey-server', '/usr/bin/redis-server'] : [named]
  return paths.find(path => existsSync(path))
}
