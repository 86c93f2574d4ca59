import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findValkey } from './find-valkey.ts'

/** A server of the test's own: in a temporary folder, on a free port of loopback, gone with the test's process. Nothing of it is kept. */
export interface ValkeyServer {
  readonly url: string
  readonly start: () => Promise<void>
  readonly kill: () => Promise<void>
  readonly pause: () => void
  readonly resume: () => void
  /** FLUSHALL: as if it had never been told anything. */
  readonly flush: () => Promise<void>
  /** Ends all connections to it. */
  readonly cut: () => Promise<void>
  readonly discard: () => Promise<void>
}

/** Ends the server when its own input ends: with the test's process, however that goes. */
const untilInputEnds =
  '"$@" < /dev/null & server=$!; echo $server; cat > /dev/null; kill -KILL $server 2> /dev/null; wait $server'

export async function startValkey(more: { password?: string } = {}): Promise<ValkeyServer> {
  const { password } = more
  const program = findValkey()
  if (program === undefined) throw new Error('Neither Valkey nor Redis is installed')
  const folder = mkdtempSync(join(tmpdir(), 'countersign-valkey-'))
  const port = await freePort()
  const url = `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', '--logfile', 'log']
  if (password !== undefined) settings.push('--requirepass', password)
  let shell: ChildProcess | undefined
  let server = 0

  async function asked<T>(ask: (valkey: Redis) => Promise<T>): Promise<T> {
    const valkey = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: 500 })
    valkey.on('error', () => {})
    try {
      return await ask(valkey)
    } finally {
      valkey.disconnect()
    }
  }

  async function start(): Promise<void> {
    shell = spawn('sh', ['-c', untilInputEnds, 'sh', program as string, ...settings], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const [line] = (await once(shell.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    server = Number(line.toString().split('\n')[0])
    // Else what it prints would fill the pipe.
    shell.stdout?.resume()
    await asked(valkey => valkey.ping())
  }

  async function kill(): Promise<void> {
    if (shell === undefined) return
    const ended = once(shell, 'close')
    shell.stdin?.end()
    await ended
    shell = undefined
  }

  await start()
  return {
    url,
    start,
    kill,
    pause: () => void process.kill(server, 'SIGSTOP'),
    resume: () => void process.kill(server, 'SIGCONT'),
    flush: async () => void (await asked(valkey => valkey.flushall())),
    async cut() {
      await asked(valkey => valkey.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
      await asked(valkey => valkey.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'))
    },
    async discard() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
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
