import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { findZookeeper } from './find-zookeeper.ts'

/** A ZooKeeper server of the test's own: in a temporary folder, on a free port of loopback, gone with the test's process. */
export interface ZookeeperProcess {
  /** Without a path. */
  readonly url: string
  readonly port: number
  readonly start: () => Promise<void>
  /** As a power cut does. */
  readonly kill: () => Promise<void>
  /** Stops it where it stands, and lets it go on. */
  readonly pause: () => void
  readonly resume: () => void
  /** Kills it and deletes everything. */
  readonly discard: () => Promise<void>
}

/** A shell that starts the server, says its number, and kills it when its own input ends: with the test's process, however that goes. */
const untilInputEnds = '"$@" > /dev/null 2>&1 & echo $!; cat > /dev/null; kill -KILL $! 2> /dev/null; wait $!'

/** Small, and soon up: there are few of us. What it has written outlives it without waiting for the disk: the machine goes on. */
const javaFlags = [
  '-Xms32m',
  '-Xmx64m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
  '-Dzookeeper.forceSync=no',
  '-Dzookeeper.preAllocSize=64',
]

export async function startZookeeper(): Promise<ZookeeperProcess> {
  const found = findZookeeper()
  if (found === undefined) throw new Error('ZooKeeper is not installed')
  const { jar, java } = found
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
  let shell: ChildProcess | undefined
  let server = 0

  async function start(): Promise<void> {
    const main = ['-cp', jar, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', join(folder, 'zoo.cfg')]
    shell = spawn('sh', ['-c', untilInputEnds, 'sh', java, ...javaFlags, ...main], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const [said] = (await once(shell.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    server = Number(said)
    await untilItServes()
  }

  /** Asks forty times a second, as long as the server's start takes. It listens before it serves. */
  async function untilItServes(): Promise<void> {
    while (!(await state(port)).includes('Mode:')) {
      if (/ Z /.test(readFileSync(`/proc/${server}/stat`, 'utf8'))) throw new Error('ZooKeeper did not start')
      await setTimeout(25)
    }
  }

  async function kill(): Promise<void> {
    if (shell === undefined) return
    const ended = once(shell, 'close')
    process.kill(server, 'SIGKILL')
    shell.stdin?.end()
    await ended
    shell = undefined
  }

  await start()
  return {
    url: `zookeeper://127.0.0.1:${port}`,
    port,
    start,
    kill,
    pause() {
      process.kill(server, 'SIGSTOP')
      while (!standsStill(server)) {}
    },
    resume: () => process.kill(server, 'SIGCONT'),
    async discard() {
      await kill()
      rmSync(folder, { recursive: true })
    },
  }
}

/** A process stops thread by thread. */
function standsStill(id: number): boolean {
  const threads = readdirSync(`/proc/${id}/task`)
  return threads.every(thread => / T /.test(readFileSync(`/proc/${id}/task/${thread}/stat`, 'utf8')))
}

/** What it says of itself; nothing, if it is not there. */
async function state(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  // What comes before it serves may be left lying.
  socket.setTimeout(200, () => socket.destroy())
  socket.end('srvr')
  return text(socket).catch(() => '')
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
