import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '@countersign/store-postgres/testing/cluster'
import { makeLogins } from '../countersign/logins.ts'
import { type Countersign, prepareCountersign } from '../countersign/server.ts'
import type { Aim, Settings, Table } from '../harness/workload.ts'
import type { Chain } from '../load/task.ts'
import type { Work } from '../workloads/contest.ts'

/** What the parts of the page share: one PostgreSQL server, and one system of ours on it whose logins are made once. */
export interface Scene {
  readonly cluster: Cluster
  readonly settings: Settings
  readonly logins: number
  /** How many families there are at each look at how cost grows. */
  readonly families: readonly number[]
  /** How many are wanted to see what tables take, and how long they may last. */
  readonly rotations: { readonly count: number; readonly minutes: number }
  readonly followers: number
  readonly ours: () => Promise<Ours>
}

/** What a part of the page says. */
export interface Measured {
  readonly table: Table
  readonly aims?: readonly Aim[]
}

export interface Ours {
  readonly system: Countersign
  readonly databaseUrl: string
  /** The newest refresh token of each login; whoever uses them leaves the next ones there. */
  readonly chainsFile: string
}

/** A database of its own. */
export function database(cluster: Cluster, name: string): string {
  cluster.run('createdb', ['-h', '127.0.0.1', '-p', String(cluster.port), '-U', 'postgres', name])
  return cluster.url.replace(/postgres$/, name)
}

export async function prepareOurs(cluster: Cluster, settings: Settings, logins: number): Promise<Ours> {
  const databaseUrl = database(cluster, 'ours')
  const folder = mkdtempSync(join(settings.folder, 'ours-'))
  const { command } = settings
  const system = await prepareCountersign({ command, folder, rotatesAlways: true, database: databaseUrl })
  const server = await system.start()
  const made = await makeLogins(system, logins)
  await server.stop()
  settings.progress(`${logins} logins are made`)
  const chainsFile = join(folder, 'chains.json')
  writeChains(
    chainsFile,
    made.map(({ refreshToken }) => ({ refreshToken })),
  )
  return { system, databaseUrl, chainsFile }
}

export function readChains(file: string): Chain[] {
  return JSON.parse(readFileSync(file, 'utf8')) as Chain[]
}

export function writeChains(file: string, chains: readonly Chain[]): void {
  writeFileSync(file, JSON.stringify(chains))
}

export function refreshing(address: string, chainsFile: string, clientId: string): Work {
  return { kind: 'refresh', url: `${address}/token`, chainsFile, clientId, proofs: false }
}
