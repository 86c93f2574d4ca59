import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@countersign/store/testing/free-port'
import { inject } from 'vitest'

const faults = join(import.meta.dirname, 'faults.ts')
const observe = join(import.meta.dirname, 'observe.ts')
const jobsBySignal = join(import.meta.dirname, 'jobs-by-signal.ts')

/** A folder with a configuration file and room for the data; the port stays the same from start to start. */
export interface Installation {
  readonly folder: string
  readonly dataFolder: string
  readonly configuration: string
  readonly port: number
  readonly issuer: string
  /** What was started on it, for `remove` to end. */
  readonly started: Running[]
  remove(): void
}

/** Everything in it is a configuration of `countersign.json`; port and data folder are filled in. */
export async function givenInstallation(configuration: Readonly<Record<string, unknown>>): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-e2e-'))
  const [port, file, dataFolder] = [await freePort(), join(folder, 'countersign.json'), join(folder, 'data')]
  const started: Running[] = []
  writeFileSync(file, JSON.stringify({ port, data: dataFolder, ...configuration }))
  return {
    folder,
    dataFolder,
    configuration: file,
    port,
    issuer: `http://127.0.0.1:${port}`,
    started,
    remove() {
      for (const { child } of started) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** How a process ended, and all that it said. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that runs. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** What it has said so far. */
  output(): string
  /** Resolves when it has said this; rejects if it ends before. */
  said(text: string): Promise<void>
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>
}

export interface Surroundings {
  readonly environment?: Readonly<Record<string, string>>
  /** With the faults of `faults.ts`, for requests to ask for. */
  readonly faults?: boolean
  /** Its database writes down its own history; `observed-history.ts` reads it. */
  readonly observed?: boolean
  /** What it does by itself every ten seconds it does at SIGUSR2. */
  readonly jobsBySignal?: boolean
  readonly cwd?: string
  /** Another program than the command as it is published: the absolute path of a source. */
  readonly program?: string
  /** A line of shell before it, such as `ulimit -f 100`. */
  readonly shell?: string
  /** What starts it, such as `nsenter`. */
  readonly launcher?: readonly string[]
}

/** Runs the command, as it is published, with these arguments. */
export function run(args: readonly string[], surroundings: Surroundings = {}): Running {
  const { shell, launcher = [], program: source = inject('command') } = surroundings
  const preloads = [
    ...(surroundings.faults ? [faults] : []),
    ...(surroundings.observed ? [observe] : []),
    ...(surroundings.jobsBySignal ? [jobsBySignal] : []),
  ]
  const imports = preloads.flatMap(file => ['--import', file])
  const node = [process.execPath, '--conditions=@countersign/source', ...imports, source, ...args]
  const through = shell === undefined ? [] : ['/bin/sh', '-c', `${shell}; exec "$0" "$@"`]
  const [program = '', ...all] = [...launcher, ...through, ...node]
  const child = spawn(program, all, {
    env: { ...cleanEnvironment(), ...surroundings.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(surroundings.cwd !== undefined && { cwd: surroundings.cwd }),
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
      child.emit('said')
    })
  }
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, ...said }))
  const output = (): string => said.stdout + said.stderr
  return {
    child,
    ended,
    output,
    async said(text) {
      const end = ended.then(() => 'ended' as const)
      while (!output().includes(text)) {
        if ((await Promise.race([once(child, 'said'), end])) === 'ended' && !output().includes(text)) {
          throw new Error(`It ended without saying "${text}":\n${output()}`)
        }
      }
    },
    end(signal) {
      child.kill(signal)
      return ended
    },
  }
}

/** The server on an installation, ready to answer. */
export async function startServer(installed: Installation, surroundings: Surroundings = {}): Promise<Running> {
  const server = run(['serve', '--config', installed.configuration], surroundings)
  installed.started.push(server)
  await server.said('is ready at')
  return server
}

/** One of the operator's commands, to its end. */
export function operate(installed: Installation, ...args: string[]): Promise<Ended> {
  return run([...args, '--config', installed.configuration]).ended
}

/** Without what configures a server, and without what the test runner tells its own children. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(COUNTERSIGN_|NODE_OPTIONS$|VITEST|NODE_ENV$)/.test(name)),
  )
}
