import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePort } from '@countersign/store/testing/free-port'
import { answers, type Cluster, serverUser } from './cluster.ts'
import { findPgbouncer } from './find-postgres.ts'

/** PgBouncer in front of a cluster, in transaction mode, with two connections to it. `more`: further lines of its file. */
export async function startPooler(
  cluster: Cluster,
  more: readonly string[] = [],
): Promise<{ url: string; close: () => Promise<void> }> {
  const program = findPgbouncer()
  if (program === undefined) throw new Error('PgBouncer is not installed')
  const port = await freePort()
  const users = join(cluster.folder, `users-${port}.txt`)
  const settings = join(cluster.folder, `pgbouncer-${port}.ini`)
  writeFileSync(users, '"postgres" ""\n', { mode: 0o644 })
  writeFileSync(
    settings,
    `[databases]
postgres = host=127.0.0.1 port=${cluster.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
admin_users = postgres
pool_mode = transaction
default_pool_size = 2
${more.join('\n')}
`,
    { mode: 0o644 },
  )
  const pooler = spawn(program, ['-q', settings], { ...serverUser(), stdio: 'ignore' })
  const ended = once(pooler, 'close')
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  for (let tries = 0; !(await answers(url)); tries++) {
    if (tries > 3_000) throw new Error('PgBouncer did not start')
    await setTimeout(20)
  }
  return {
    url,
    async close() {
      pooler.kill('SIGTERM')
      await ended
    },
  }
}
