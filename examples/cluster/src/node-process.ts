import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One node: `countersign serve` in a process of its own, always on the same port. */
export interface NodeProcess {
  /** `host:port` */
  readonly address: string
  /** Of the process that runs now. */
  pid(): number | undefined
  /** Resolves when it says that it is ready. */
  start(): Promise<void>
  /** As a supervisor does it. Resolves with the exit code. */
  stop(): Promise<number | null>
  /** As a power cut does it. */
  kill(): Promise<void>
}

export interface NodeOptions {
  readonly port: number
  readonly folder: string
  readonly issuer: string
  readonly database: string
  /** Absent: none. */
  readonly valkey?: string | undefined
  readonly masterKey: string
  /** A file of `countersign.json`'s kind: the same for all nodes. */
  readonly configuration: string
  /** The file that starts the command; by default its source. */
  readonly command?: string
}

const sourceOfCommand = join(dirname(fileURLToPath(import.meta.resolve('@countersign/cli'))), 'main.ts')

export function createNodeProcess(options: NodeOptions): NodeProcess {
  const { port, folder, issuer, database, valkey, masterKey, configuration, command = sourceOfCommand } = options
  let child: ChildProcess | undefined
  let ended: Promise<number | null> = Promise.resolve(null)

  return {
    address: `127.0.0.1:${port}`,
    pid: () => child?.pid,
    async start() {
      const flags = ['--config', configuration, '--data', folder, '--port', String(port), '--issuer', issuer]
      const started = spawn(process.execPath, ['--conditions=@countersign/source', command, 'serve', ...flags], {
        // All may be secrets: the list of processes shows flags to everybody.
        env: {
          PATH: process.env.PATH,
          COUNTERSIGN_DATABASE: database,
          COUNTERSIGN_MASTER_KEY: masterKey,
          ...(valkey !== undefined && { COUNTERSIGN_VALKEY: valkey }),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child = started
      ended = once(started, 'close').then(([code]: (number | null)[]) => code ?? null)
      let said = ''
      started.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4_000)
      })
      const ready = new Promise<'ready'>(resolve => {
        let text = ''
        started.stdout.setEncoding('utf8').on('data', (part: string) => {
          text += part
          if (text.includes('is ready at')) resolve('ready')
        })
      })
      if ((await Promise.race([ready, ended])) !== 'ready') throw new Error(`A node did not start:\n${said}`)
    },
    stop() {
      child?.kill('SIGTERM')
      return ended
    },
    async kill() {
      child?.kill('SIGKILL')
      await ended
    },
  }
}
