import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bindLogins, makeLogins } from '../countersign/logins.ts'
import { prepareCountersign } from '../countersign/server.ts'
import { type RunningServer, startServer } from '../harness/processes.ts'
import { figure, interleave, median, ratio, type Settings, type Table, type Workload } from '../harness/workload.ts'
import { runLoad } from '../load/run.ts'
import type { Chain, LoadResult } from '../load/task.ts'
import type { PeerTask } from '../peers/oidc-provider/server.ts'

/** What a server prints when it is ready: where to refresh, and the logins made for the load. */
interface Ready {
  readonly url: string
  readonly chainsFile: string
  readonly clientId: string
}

interface Subject {
  readonly name: string
  readonly start: (folder: string) => Promise<RunningServer<Ready>>
}

interface Outcome extends LoadResult {
  readonly residentMiB: number | undefined
}

/** More than any server here remembers keys of: as with real clients, a proof's key is one not seen lately. */
const loginsOf = (settings: Settings): number => (settings.short ? 2048 : 12_000)

export const refreshUnbound: Workload = {
  text: 'refresh rotations per second, unbound (for ours H and grace 0, so that every call rotates)',
  run: settings => compare('Refresh, unbound', false, settings),
}

export const refreshBound: Workload = {
  text: 'refresh rotations per second, bound by DPoP, production defaults',
  run: settings => compare('Refresh, bound (DPoP)', true, settings),
}

async function compare(title: string, dpop: boolean, settings: Settings): Promise<Table[]> {
  const results = await interleave(
    subjects(dpop, loginsOf(settings)),
    settings,
    subject => measure(subject, dpop, settings),
    ({ perSecond }) => `${figure(perSecond)}/s`,
  )
  const perSecond = (outcomes: readonly Outcome[]): number | undefined => median(outcomes.map(one => one.perSecond))
  const ours = perSecond(results.find(({ subject }) => subject.name.startsWith('Countersign'))?.outcomes ?? [])
  const middle = (outcomes: readonly Outcome[], of: (one: Outcome) => number | null | undefined, digits = 0): string =>
    figure(median(outcomes.map(one => of(one) ?? Number.NaN)), digits)
  return [
    {
      title,
      columns: [
        '',
        'per second',
        'ours is',
        'p50 ms',
        'p99 ms',
        'µs of core each',
        'server core',
        'load core',
        'resident MiB',
      ],
      rows: results.map(({ subject, outcomes }) => [
        subject.name,
        figure(perSecond(outcomes)),
        ratio(ours, perSecond(outcomes)),
        middle(outcomes, one => one.p50Ms, 1),
        middle(outcomes, one => one.p99Ms, 1),
        middle(outcomes, one => one.cpu.server && (one.cpu.server / one.perSecond) * 1e6),
        middle(outcomes, one => one.cpu.server, 2),
        middle(outcomes, one => one.cpu.load, 2),
        middle(outcomes, one => one.residentMiB),
      ]),
      notes: notes(
        results.flatMap(({ outcomes }) => outcomes),
        loginsOf(settings),
      ),
    },
  ]
}

function notes(outcomes: readonly Outcome[], logins: number): string[] {
  const found = [`${figure(logins)} logins, refreshed in turn.`]
  if (outcomes.some(one => one.cpu.load > 0.9)) {
    found.push('The load generator filled its core in some runs: there the server could have done more.')
  }
  const kept = outcomes.reduce((sum, one) => sum + one.withoutRotation, 0)
  if (kept > 0) found.push(`${figure(kept)} answers came without a new refresh token.`)
  return found
}

async function measure(subject: Subject, dpop: boolean, settings: Settings): Promise<Outcome> {
  const folder = mkdtempSync(join(settings.folder, 'refresh-'))
  const server = await subject.start(folder)
  try {
    const result = await runLoad({
      kind: 'refresh',
      url: server.ready.url,
      connections: settings.connections,
      warmSeconds: settings.short ? 0.5 : 2,
      seconds: settings.seconds,
      serverPid: server.pid,
      chainsFile: server.ready.chainsFile,
      clientId: server.ready.clientId,
      proofs: dpop,
    })
    return { ...result, residentMiB: residentMiB(server.pid) }
  } finally {
    await server.stop()
  }
}

export function residentMiB(pid: number): number | undefined {
  try {
    const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? undefined : Number(kib) / 1024
  } catch {
    return undefined
  }
}

function subjects(dpop: boolean, logins: number): Subject[] {
  return [
    { name: 'Countersign, SQLite', start: folder => startCountersign(folder, dpop, logins) },
    peer('oidc-provider, memory', 'memory', dpop, logins),
    peer('oidc-provider, SQLite NORMAL', 'sqlite-normal', dpop, logins),
    peer('oidc-provider, SQLite FULL', 'sqlite-full', dpop, logins),
    { name: 'node:http, fixed answer (ceiling)', start: folder => startTrivial(folder, dpop, logins) },
  ]
}

async function startCountersign(folder: string, dpop: boolean, logins: number): Promise<RunningServer<Ready>> {
  const system = await prepareCountersign({ folder, rotatesAlways: !dpop })
  const first = await system.start()
  const made = await makeLogins(system, logins)
  await first.stop()
  const chains: Chain[] = dpop ? bindLogins(system, made) : made.map(({ refreshToken }) => ({ refreshToken }))
  const ready = { url: `${system.issuer}/token`, chainsFile: join(folder, 'chains.json'), clientId: system.clientId }
  writeFileSync(ready.chainsFile, JSON.stringify(chains))
  return { ...(await system.start()), ready }
}

function peer(name: string, store: PeerTask['store'], dpop: boolean, logins: number): Subject {
  return {
    name,
    start: folder => {
      const task: PeerTask = { store, dpop, logins, folder }
      return startServer<Ready>('peers/oidc-provider/server.ts', [JSON.stringify(task)])
    },
  }
}

/** Tokens made of nothing serve: the server does not look at them. Proofs are made all the same. */
async function startTrivial(folder: string, dpop: boolean, logins: number): Promise<RunningServer<Ready>> {
  const server = await startServer<{ url: string }>('peers/trivial/server.ts', [])
  const chainsFile = join(folder, 'chains.json')
  const key = dpop && generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  const chain: Chain = { refreshToken: `cs_rt_${'r'.repeat(84)}`, ...(key ? { key } : {}) }
  writeFileSync(chainsFile, JSON.stringify(Array.from({ length: logins }, () => chain)))
  return { ...server, ready: { url: server.ready.url, chainsFile, clientId: 'demo' } }
}
