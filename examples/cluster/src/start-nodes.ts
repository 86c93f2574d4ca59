import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@countersign/store/testing/free-port'
import { type Cluster as Database, startCluster as startDatabase } from '@countersign/store-postgres/testing/cluster'
import { findValkey } from '@countersign/store-valkey/testing/find-valkey'
import { startValkey, type ValkeyServer } from '@countersign/store-valkey/testing/valkey-server'
import { findNginx } from '../../../tools/nginx-path.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { createNodeProcess, type NodeProcess } from './node-process.ts'

/** Nodes on one database, behind one address. */
export interface RunningNodes {
  /** nginx: the address of the whole. */
  readonly issuer: string
  readonly nodes: readonly NodeProcess[]
  readonly database: Database
  /** The fast lane between them, where Valkey or Redis is installed. */
  readonly valkey: ValkeyServer | undefined
  /** Of all nodes, base64url. */
  readonly masterKey: string
  /** Every node once: out of nginx, stopped, started, and in again before it is the next one's turn. Answers with their exit codes. */
  restartEach(): Promise<readonly (number | null)[]>
  close(): Promise<void>
}

export interface NodesOptions {
  readonly configuration: string
  readonly count?: number
  /** Of nginx; default: any that is free. */
  readonly port?: number
}

/** PostgreSQL and, where it is installed, Valkey in temporary folders, `count` nodes (3) and nginx, all on loopback. Everything is gone when it is closed. */
export async function startNodes({ configuration, count = 3, port }: NodesOptions): Promise<RunningNodes> {
  const nginx = findNginx()
  if (nginx === undefined) throw new Error('nginx is not installed; COUNTERSIGN_NGINX names it in an unusual place.')
  const folder = mkdtempSync(join(tmpdir(), 'countersign-cluster-'))
  const [database, valkey] = await Promise.all([
    startDatabase(),
    findValkey() === undefined ? undefined : startValkey(),
  ])
  const front = port ?? (await freePort())
  const issuer = `http://127.0.0.1:${front}`
  const masterKey = randomBytes(32).toString('base64url')
  const nodes: NodeProcess[] = []
  for (let number = 1; number <= count; number++) {
    const own = { port: await freePort(), folder: join(folder, `node-${number}`) }
    nodes.push(
      createNodeProcess({ ...own, issuer, database: database.url, valkey: valkey?.url, masterKey, configuration }),
    )
  }
  let balancer: Balancer | undefined

  async function close(): Promise<void> {
    await balancer?.close()
    await Promise.all(nodes.map(node => node.kill()))
    await Promise.all([database.discard(), valkey?.discard()])
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    const addresses = nodes.map(node => node.address)
    await Promise.all(nodes.map(node => node.start()))
    balancer = await startBalancer({ nginx, port: front, nodes: addresses })
    await Promise.all(addresses.map(balancer.sends))
  } catch (error) {
    await close()
    throw error
  }
  const sends = balancer.sends

  return {
    issuer,
    nodes,
    database,
    valkey,
    masterKey,
    async restartEach() {
      const codes: (number | null)[] = []
      for (const node of nodes) {
        codes.push(await node.stop())
        await node.start()
        await sends(node.address)
      }
      return codes
    },
    close,
  }
}
