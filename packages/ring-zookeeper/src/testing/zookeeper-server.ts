import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { freePort } from '@countersign/store/testing/free-port'
import { type ServerProcess, serverProcess } from '@countersign/store/testing/server-process'
import { findZookeeper } from './find-zookeeper.ts'

/** A ZooKeeper server of the test's own: in a temporary folder, on a free port of loopback. */
export interface ZookeeperProcess extends ServerProcess {
  /** Without a path. */
  readonly url: string
  readonly port: number
  /** Kills it and deletes everything. */
  readonly discard: () => Promise<void>
}

/** Small, and soon up: there are few of us. What it has written outlives it without waiting for the disk: the machine goes on. */
const javaFlags = [
  ...['-Xms32m', '-Xmx64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'],
  ...['-Dzookeeper.forceSync=no', '-Dzookeeper.preAllocSize=64'],
]

export async function startZookeeper(): Promise<ZookeeperProcess> {
  const found = findZookeeper()
  if (found === undefined) throw new Error('ZooKeeper is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'countersign-zookeeper-'))
  const port = await freePort()
  mkdirSync(join(folder, 'data'))
  const settings = {
    tickTime: 500,
    dataDir: join(folder, 'data'),
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    'admin.enableServer': false,
    maxClientCnxns: 0,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  writeFileSync(join(folder, 'zoo.cfg'), `${lines.join('\n')}\n`)
  const main = ['-cp', found.jar, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', join(folder, 'zoo.cfg')]
  const parameters = [...javaFlags, ...main]
  const server = serverProcess({ program: found.java, parameters, folder, serves: () => isServing(port) })
  await server.start()
  return {
    ...server,
    url: `zookeeper://127.0.0.1:${port}`,
    port,
    async discard() {
      await server.kill()
      rmSync(folder, { recursive: true })
    },
  }
}

/** It listens before it serves: it is asked what it is. */
async function isServing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  // What comes before it serves may be left lying.
  socket.setTimeout(200, () => socket.destroy())
  socket.end('srvr')
  return (await text(socket).catch(() => '')).includes('Mode:')
}
