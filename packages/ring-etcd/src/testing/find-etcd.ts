import { existsSync } from 'node:fs'

/** etcd: `COUNTERSIGN_ETCD` if it is set, else where Debian puts it. */
export function findEtcd(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = environment.COUNTERSIGN_ETCD || '/usr/bin/etcd'
  return existsSync(path) ? path : undefined
}
