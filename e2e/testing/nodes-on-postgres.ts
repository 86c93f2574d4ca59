import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@countersign/store/testing/free-port'
import { migratePostgres } from '@countersign/store-postgres'
import { inject } from 'vitest'
import { createNodeProcess, type NodeProcess } from '../../examples/cluster/src/node-process.ts'
import { configuration, signUp } from './app-install.ts'
import { type NodeBalancer, startNodeBalancer } from './node-balancer.ts'
import { observeDatabase } from './observed-postgres.ts'

/** Two real nodes on one database that is observed, behind one address. */
export interface TwoNodes {
  readonly issuer: string
  readonly nodes: readonly [NodeProcess, NodeProcess]
  close(): Promise<void>
}

export const nodeNames = ['node-1', 'node-2'] as const

/**
 * `database`: its own address, for what has to be there before the nodes; `urlOf`: what a node is told. The nodes lose patience with
 * their database after three seconds: sooner than by default, and not because the machine is busy.
 */
export async function startTwoNodes(options: {
  database: string
  urlOf: (index: number) => string
  settings?: Readonly<Record<string, unknown>>
}): Promise<TwoNodes> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-nodes-'))
  const file = join(folder, 'countersign.json')
  const own = { trusted_proxies: ['127.0.0.1'], drain_notice_seconds: 0, database_patience_seconds: 3 }
  writeFileSync(file, JSON.stringify({ ...configuration, ...own, ...options.settings }))
  await migratePostgres({ url: options.database })
  await observeDatabase(options.database)
  const front = await freePort()
  const masterKey = randomBytes(32).toString('base64url')
  const node = async (index: 0 | 1): Promise<NodeProcess> =>
    createNodeProcess({
      port: await freePort(),
      folder: join(folder, nodeNames[index]),
      issuer: `http://127.0.0.1:${front}`,
      database: `${options.urlOf(index)}?application_name=${nodeNames[index]}`,
      masterKey,
      configuration: file,
      command: inject('command'),
    })
  const nodes = [await node(0), await node(1)] as const
  let balancer: NodeBalancer | undefined
  async function close(): Promise<void> {
    await balancer?.close()
    await Promise.all(nodes.map(one => one.kill()))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await Promise.all(nodes.map(one => one.start()))
    const named = nodes.map(({ address }, index) => ({ name: nodeNames[index as 0 | 1], address }))
    balancer = await startNodeBalancer(named, front)
    await signUp(balancer.url)
  } catch (error) {
    await close()
    throw error
  }
  return { issuer: balancer.url, nodes, close }
}
