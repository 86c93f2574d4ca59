import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeLogins } from '../countersign/logins.ts'
import { prepareCountersign } from '../countersign/server.ts'
import { figure } from '../harness/workload.ts'
import { appId } from '../peers/oidc-provider/configuration.ts'
import { type Contestant, contest } from '../workloads/contest.ts'
import { type CallsWork, startPeerServer } from '../workloads/requests.ts'
import { database, type Measured, type Scene } from './scene.ts'

/** Logouts by token (RFC 7009): each is on the disk before it is answered, and ours has its number in the feed. */
export async function revocations({ settings, cluster }: Scene): Promise<Measured> {
  const count = settings.short ? 3_000 : 20_000
  const seconds = Math.min(settings.seconds, 2)
  const contestants: Contestant[] = [
    {
      name: 'Countersign',
      async start(own) {
        const url = database(cluster, 'revoked')
        const folder = mkdtempSync(join(own, 'node-'))
        const { command } = settings
        const system = await prepareCountersign({ command, folder, rotatesAlways: false, database: url })
        const server = await system.start()
        const tokens = (await makeLogins(system, count)).map(({ refreshToken }) => refreshToken)
        return { ...server, ready: revoking(system.address, '/revoke', system.clientId, tokensIn(own, tokens)) }
      },
    },
    {
      name: 'oidc-provider, as configured',
      async start(own) {
        const databaseUrl = database(cluster, 'peer_revoked')
        const task = { store: 'postgres-on', seed: 'bare refresh tokens', dpop: false, logins: count } as const
        const server = await startPeerServer({ ...task, folder: own, databaseUrl })
        return { ...server, ready: revoking(server.ready.issuer, '/token/revocation', appId, server.ready.seedFile) }
      },
    },
  ]
  const { table } = await contest('Revocations on PostgreSQL', contestants, { ...settings, seconds }, [
    `${figure(count)} refresh tokens are given back one after the other, each of another login, and answered when that is on the disk. Ours ends the login, audits it, and has numbered it in the feed by then.`,
  ])
  return { table }
}

function tokensIn(folder: string, tokens: readonly string[]): string {
  const file = join(folder, 'revoked.json')
  writeFileSync(file, JSON.stringify(tokens))
  return file
}

function revoking(url: string, path: string, clientId: string, valuesFile: string): CallsWork {
  return {
    kind: 'calls',
    url,
    method: 'POST',
    path,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `client_id=${clientId}&token={value}`,
    valuesFile,
    once: true,
    good: { status: 200, text: '' },
  }
}
