import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Place, pinned } from './machine.ts'

export interface RunningServer<Ready> {
  readonly pid: number
  /** What the first line that it printed says. */
  readonly ready: Ready
  /** Milliseconds from its start until that line. */
  readonly readyMs: number
  readonly stop: () => Promise<void>
}

/** Starts a script (absolute, or from bench/src) and waits for its first line, JSON unless `read` says otherwise. */
export async function startServer<Ready>(
  script: string,
  args: readonly string[],
  read: (line: string) => Ready = JSON.parse,
): Promise<RunningServer<Ready>> {
  const began = performance.now()
  const child = start(script, args, 'server')
  const line = await firstLine(child, script)
  const readyMs = performance.now() - began
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  return {
    pid: child.pid ?? 0,
    ready: read(line),
    readyMs,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Runs a script to its end; its output is one piece of JSON. */
export function runScript<Result>(script: string, args: readonly string[], place: Place): Promise<Result> {
  const child = start(script, args, place)
  let text = ''
  child.stdout?.on('data', chunk => {
    text += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('close', code => {
      if (code === 0) resolve(JSON.parse(text) as Result)
      else reject(new Error(`${script} ended with ${code}: ${errors.get(child) ?? ''}`))
    })
  })
}

const sources = resolve(import.meta.dirname, '..')

function start(script: string, args: readonly string[], place: Place): ChildProcess {
  const path = resolve(sources, script)
  const [file = '', ...rest] = pinned(place, [process.execPath, '--conditions=@countersign/source', path, ...args])
  const child = spawn(file, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1' },
  })
  // What a server logs is of no interest unless it breaks.
  child.stderr?.on('data', chunk => errors.set(child, `${errors.get(child) ?? ''}${chunk}`.slice(-2000)))
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

const errors = new WeakMap<ChildProcess, string>()

/** However this process ends, nothing that it started goes on. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

function firstLine(child: ChildProcess, script: string): Promise<string> {
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', chunk => {
      text += chunk
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
    })
    child.once('close', code =>
      reject(new Error(`${script} ended with ${code} before it was ready: ${errors.get(child) ?? ''}`)),
    )
  })
}

/** Undefined where /proc does not tell. */
export function residentMiB(pid: number): number | undefined {
  try {
    const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? undefined : Number(kib) / 1024
  } catch {
    return undefined
  }
}
