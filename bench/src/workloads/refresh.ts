import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bindLogins, makeLogins } from '../countersign/logins.ts'
import { prepareCountersign } from '../countersign/server.ts'
import { type RunningServer, startServer } from '../harness/processes.ts'
import { figure, type Result, type Settings, type Workload } from '../harness/workload.ts'
import type { Chain } from '../load/task.ts'
import { appId } from '../peers/oidc-provider/configuration.ts'
import type { PeerTask } from '../peers/oidc-provider/server-task.ts'
import { aimForLead, type Contestant, contest, contestSeconds, type Work } from './contest.ts'
import { startPeerServer } from './requests.ts'

/** More than any server here remembers keys of: as with real clients, a proof's key is one not seen lately. */
const loginsOf = (settings: Settings): number => (settings.short ? 2048 : 12_000)

export const refreshUnbound: Workload = {
  text: 'refresh rotations per second, unbound (for ours H and grace 0, so that every call rotates)',
  lastsSeconds: settings => contestSeconds(settings, 5) + (settings.short ? 8 : 25),
  async run(settings) {
    const { table, lead } = await compare('Refresh, unbound', false, settings)
    const what = 'Unbound refresh on SQLite, beside oidc-provider'
    return {
      tables: [table],
      aims: [
        aimForLead(`${what} in memory`, 2.5, lead(peers.memory)),
        aimForLead(`${what} on SQLite NORMAL`, 4, lead(peers['sqlite-normal'])),
        aimForLead(`${what} on SQLite FULL`, 6, lead(peers['sqlite-full'])),
      ],
    } satisfies Result
  },
}

export const refreshBound: Workload = {
  text: 'refresh rotations per second, bound by DPoP, production defaults',
  lastsSeconds: settings => contestSeconds(settings, 5) + (settings.short ? 10 : 40),
  async run(settings) {
    const { table, lead } = await compare('Refresh, bound (DPoP)', true, settings)
    const what = 'Bound refresh on SQLite, beside oidc-provider with DPoP in memory'
    return { tables: [table], aims: [aimForLead(what, 2.5, lead(peers.memory))] }
  },
}

const peers = {
  memory: 'oidc-provider, memory',
  'sqlite-normal': 'oidc-provider, SQLite NORMAL',
  'sqlite-full': 'oidc-provider, SQLite FULL',
} as const satisfies Partial<Record<PeerTask['store'], string>>

function compare(title: string, dpop: boolean, settings: Settings): ReturnType<typeof contest> {
  const logins = loginsOf(settings)
  const stores = ['memory', 'sqlite-normal', 'sqlite-full'] as const
  const contestants: Contestant[] = [
    { name: 'Countersign, SQLite', start: folder => startCountersign(settings.command, folder, dpop, logins) },
    ...stores.map(store => ({ name: peers[store], start: startPeer(store, dpop, logins) })),
    { name: 'node:http, fixed answer (ceiling)', start: folder => startTrivial(folder, dpop, logins) },
  ]
  return contest(title, contestants, settings, [`${figure(logins)} logins, refreshed in turn.`])
}

async function startCountersign(
  command: string,
  folder: string,
  dpop: boolean,
  logins: number,
): Promise<RunningServer<Work>> {
  const system = await prepareCountersign({ command, folder, rotatesAlways: !dpop })
  const first = await system.start()
  const made = await makeLogins(system, logins)
  await first.stop()
  const chains: Chain[] = dpop ? bindLogins(system, made) : made.map(({ refreshToken }) => ({ refreshToken }))
  const ready = refreshing(`${system.issuer}/token`, join(folder, 'chains.json'), system.clientId, dpop)
  writeFileSync(ready.chainsFile, JSON.stringify(chains))
  return { ...(await system.start()), ready }
}

function startPeer(store: PeerTask['store'], dpop: boolean, logins: number): Contestant['start'] {
  return async folder => {
    const server = await startPeerServer({ store, seed: 'refresh tokens', dpop, logins, folder })
    const { issuer, seedFile } = server.ready
    return { ...server, ready: refreshing(`${issuer}/token`, seedFile, appId, dpop) }
  }
}

/** Tokens made of nothing serve: the server does not look at them. Proofs are made all the same. */
async function startTrivial(folder: string, dpop: boolean, logins: number): Promise<RunningServer<Work>> {
  const server = await startServer<{ url: string }>('peers/trivial/server.ts', [])
  const chainsFile = join(folder, 'chains.json')
  const key = dpop && generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  const chain: Chain = { refreshToken: `cs_rt_${'r'.repeat(84)}`, ...(key ? { key } : {}) }
  writeFileSync(chainsFile, JSON.stringify(Array.from({ length: logins }, () => chain)))
  return { ...server, ready: refreshing(server.ready.url, chainsFile, 'demo', dpop) }
}

function refreshing(
  url: string,
  chainsFile: string,
  clientId: string,
  proofs: boolean,
): Work & { readonly chainsFile: string } {
  return { kind: 'refresh', url, chainsFile, clientId, proofs }
}
