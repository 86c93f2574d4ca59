import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Place, pinned } from './machine.ts'

export interface RunningServer<Ready> {
  readonly pid: number
  /** The one line of JSON that it printed when it was ready. */
  readonly ready: Ready
  /** Milliseconds from its start until that line. */
  readonly readyMs: number
  readonly stop: () => Promise<void>
}

/** Starts one of our scripts (path from bench/src) and waits for its line of JSON. */
export async function startServer<Ready>(
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningServer<Ready>> {
  const began = performance.now()
  const child = start(script, args, 'server', environment)
  const line = await firstLine(child, script)
  const readyMs = performance.now() - began
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  return {
    pid: child.pid ?? 0,
    ready: JSON.parse(line) as Ready,
    readyMs,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Runs one of our scripts to its end; its output is one piece of JSON. */
export function runScript<Result>(script: string, args: readonly string[], place: Place): Promise<Result> {
  const child = start(script, args, place, {})
  let text = ''
  child.stdout?.on('data', chunk => {
    text += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('close', code => {
      if (code === 0) resolve(JSON.parse(text) as Result)
      else reject(new Error(`${script} ended with ${code}`))
    })
  })
}

function start(
  script: string,
  args: readonly string[],
  place: Place,
  environment: Readonly<Record<string, string>>,
): ChildProcess {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url))
  const [file = '', ...rest] = pinned(place, [process.execPath, '--conditions=@countersign/source', path, ...args])
  return spawn(file, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1', ...environment },
  })
}

function firstLine(child: ChildProcess, script: string): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', chunk => {
      text += chunk
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
    })
    child.once('close', code => reject(new Error(`${script} ended with ${code} before it was ready`)))
  })
}
