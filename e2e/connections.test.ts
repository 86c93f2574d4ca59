import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPostgresStore } from '@countersign/store-postgres'
import { openSqliteStore } from '@countersign/store-sqlite'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { closeGiven } from '../packages/server/src/testing/given.ts'
import { racesOfConnections } from '../packages/server/src/testing/races-of-connections.ts'
import { type Cluster, startCluster } from '../packages/store-postgres/src/testing/cluster.ts'

const folders: string[] = []
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterEach(async () => {
  await closeGiven()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})
afterAll(() => cluster.discard())

describe('in memory', () => racesOfConnections())

describe('on SQLite', () =>
  racesOfConnections(options => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-connections-'))
    folders.push(folder)
    return openSqliteStore({ ...options, file: join(folder, 'countersign.sqlite') })
  }))

describe('on PostgreSQL', () => racesOfConnections(options => openPostgresStore({ ...options, url: cluster.url })))
