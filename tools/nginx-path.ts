import { existsSync } from 'node:fs'

/** nginx: `COUNTERSIGN_NGINX` if it is set, else where Debian puts it. */
export function findNginx(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = environment.COUNTERSIGN_NGINX || '/usr/sbin/nginx'
  return existsSync(path) ? path : undefined
}
