import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

/** A server that a test starts, and may do anything to; gone with the test's process. */
export interface ServerProcess {
  /** Resolves once it serves. */
  readonly start: () => Promise<void>
  /** As a power cut does. */
  readonly kill: () => Promise<void>
  /** Stops it where it stands, and lets it go on. */
  readonly pause: () => void
  readonly resume: () => void
}

export interface ServerCommand {
  readonly program: string
  readonly parameters: readonly string[]
  readonly folder: string
  /** Asked again and again, forty times a second. */
  readonly serves: () => Promise<boolean>
}

/** A shell that starts the server, says its number, and kills it when its own input ends: with the test's process, however that goes. */
const untilInputEnds = '"$@" > /dev/null 2>&1 & echo $!; cat > /dev/null; kill -KILL $! 2> /dev/null; wait $!'

export function serverProcess({ program, parameters, folder, serves }: ServerCommand): ServerProcess {
  let shell: ChildProcess | undefined
  let server = 0
  return {
    async start() {
      const command = ['-c', untilInputEnds, 'sh', program, ...parameters]
      shell = spawn('sh', command, { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] })
      const [said] = (await once(shell.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
      server = Number(said)
      while (!(await serves())) {
        if (hasEnded(server)) throw new Error(`${program} did not start`)
        await setTimeout(25)
      }
    },
    async kill() {
      if (shell === undefined) return
      const ended = once(shell, 'close')
      process.kill(server, 'SIGKILL')
      shell.stdin?.end()
      await ended
      shell = undefined
    },
    pause: () => stopWhereItStands(server),
    resume: () => void process.kill(server, 'SIGCONT'),
  }
}

/** Its shell may have taken it away already. */
function hasEnded(id: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${id}/stat`, 'utf8'))
  } catch {
    return true
  }
}

/** A process stops thread by thread; returns once all of it stands still. */
export function stopWhereItStands(id: number): void {
  process.kill(id, 'SIGSTOP')
  while (!readdirSync(`/proc/${id}/task`).every(thread => standsStill(`/proc/${id}/task/${thread}/stat`))) {}
}

/** Or has ended meanwhile. */
function standsStill(thread: string): boolean {
  try {
    return / [TZ] /.test(readFileSync(thread, 'utf8'))
  } catch {
    return true
  }
}
