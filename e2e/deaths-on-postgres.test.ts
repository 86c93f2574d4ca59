import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { auditEvents, type Write } from '@countersign/core'
import { brokenAuditRow, headOf } from '@countersign/store'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeConnected } from '../packages/server/src/testing/connected.ts'
import { actsByItself } from './testing/deaths/acts-by-itself.ts'
import { actsOfClients } from './testing/deaths/acts-of-clients.ts'
import { actsOfCodes } from './testing/deaths/acts-of-codes.ts'
import { actsOfDevices } from './testing/deaths/acts-of-devices.ts'
import { actsOfImports } from './testing/deaths/acts-of-imports.ts'
import { actsOfInvitations } from './testing/deaths/acts-of-invitations.ts'
import { actsOfLogins } from './testing/deaths/acts-of-logins.ts'
import { actsOfMailLinks } from './testing/deaths/acts-of-mail-links.ts'
import { actsOfOperators } from './testing/deaths/acts-of-operators.ts'
import { actsOfProviders } from './testing/deaths/acts-of-providers.ts'
import { actsOfTokens } from './testing/deaths/acts-of-tokens.ts'
import { type Deeds, type DyingNodes, startDyingNodes } from './testing/deaths/dying.ts'
import { isDone } from './testing/deaths/operate.ts'
import { type Surroundings, startSurroundings } from './testing/deaths/sites.ts'

/*
 * Everything that the server commits, by the requests, commands and jobs that lead to it: a real server on a real PostgreSQL dies at each step of it, and another one
 * beside it finds what is left.
 */

let cluster: Cluster
let around: Surroundings
let nodes: DyingNodes
const deeds: Deeds = { written: [], askedBy: new Set() }

beforeAll(async () => {
  cluster = await startCluster()
  around = await startSurroundings()
  nodes = await startDyingNodes(cluster, around, deeds)
})
afterAll(async () => {
  await closeConnected()
  await nodes?.close()
  await around?.close()
  await cluster?.discard()
})

// In this order: with each of the last ones a month passes, and tokens of providers, whose clock nobody sets, are too old.
const acts = [
  ...actsOfLogins,
  ...actsOfCodes,
  ...actsOfTokens,
  ...actsOfDevices,
  ...actsOfMailLinks,
  ...actsOfInvitations,
  ...actsOfProviders,
  ...actsOfOperators,
  ...actsOfImports,
  ...actsOfClients,
  ...actsByItself,
]

test.each(acts)(
  '$name is there whole or not at all, whole if it was answered, and somebody else can go on',
  async act => {
    const { all, unheard } = await act.dieOn(nodes)
    expect([all >= 2, unheard >= 1]).toEqual([true, true])
  },
)

test('a node that dies as it notes that a backup was restored has begun a new history, or not: then every access token is dead', async () => {
  const issuer = async (): Promise<{ incarnation: string; epoch: number }> => {
    const [row] = await runSql(cluster.url, 'SELECT body FROM deaths.issuer')
    return JSON.parse(String(row?.[0]))
  }
  const seen = new Set<string>()
  for (let steps = 0, lives = false; !lives; steps++) {
    const before = await issuer()
    const incarnation = `history ${steps}`
    const restoring = { incarnation, openPassword: () => null }
    const { isDone: isHeard, died } = await nodes.attempt(steps, () =>
      isDone(nodes.dying.server.admin.afterRestore([], restoring)),
    )
    const after = await issuer()
    const isNew = after.incarnation === incarnation
    expect(isNew ? after.epoch > before.epoch : after.epoch === before.epoch).toBe(true)
    if (isHeard) expect(isNew).toBe(true)
    lives = !died
    seen.add(`new ${isNew}, heard ${isHeard}`)
    // Nodes of the history before end, and are started anew.
    if (isNew) {
      await nodes.close()
      nodes = await startDyingNodes(cluster, around, deeds)
      expect(nodes.beside.store.feed.incarnation).toBe(incarnation)
    }
  }
  expect([...seen].sort()).toEqual(['new false, heard false', 'new true, heard false', 'new true, heard true'])
  const { store, server } = nodes.beside
  const anchor = await server.admin.auditAnchor()
  expect(brokenAuditRow(await store.readAudit(anchor?.number ?? 0, 100_000), headOf(anchor))).toBeUndefined()
})

/** What becomes of each kind of row; a first start makes those that are never made here. */
const fates: Readonly<Record<Write['table'], readonly ('changed' | 'made')[]>> = {
  issuer: ['changed'],
  keyRing: ['changed'],
  client: ['changed', 'made'],
  user: ['changed', 'made'],
  identity: ['changed', 'made'],
  session: ['changed', 'made'],
  family: ['changed', 'made'],
  grant: ['changed', 'made'],
  code: ['changed', 'made'],
  pushedRequest: ['changed', 'made'],
  deviceCode: ['changed', 'made'],
  userCode: ['made'],
  usedOnce: ['made'],
  connectionSignIn: ['changed', 'made'],
  logoutDelivery: ['changed', 'made'],
  auditPlace: ['changed', 'made'],
  auditAnchor: ['changed', 'made'],
  mail: ['changed', 'made'],
  mailLink: ['changed', 'made'],
  knownDevice: ['changed', 'made'],
  invitation: ['changed', 'made'],
}

test('nothing that the server commits has been left out: every event, every table, every file from which anything is committed', context => {
  // Of a part of the acts nothing follows.
  if (context.task.suite?.tasks.some(({ result }) => result?.state !== 'pass' && result?.state !== 'run'))
    context.skip()
  const events = new Set(deeds.written.flatMap(({ audit }) => audit.map(({ event }) => event)))
  expect(auditEvents.filter(event => !events.has(event))).toEqual([])
  const written = deeds.written.flatMap(({ writes }) => writes)
  const seen = (table: string): string[] => {
    const rows = written.filter(write => write.table === table).map(({ row }) => row)
    return [...new Set(rows.map(({ version }) => (version === 0 ? 'made' : 'changed')))].sort()
  }
  expect(Object.fromEntries(Object.keys(fates).map(table => [table, seen(table)]))).toEqual(fates)
  const committing = globSync(join(import.meta.dirname, '../packages/server/src/**/*.ts'))
    .filter(file => !/\.test\.ts$|\/testing\//.test(file))
    .filter(file => /\b(?:store|place)\.commit\(|\bdecideAndCommit\(|\bdecideLogin\(/.test(readFileSync(file, 'utf8')))
  expect(committing.length).toBeGreaterThan(40)
  expect(committing.filter(file => !deeds.askedBy.has(file)).map(file => relative('packages', file))).toEqual([])
})
