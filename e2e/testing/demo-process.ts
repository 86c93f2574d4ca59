import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const repository = join(import.meta.dirname, '../..')
const main = join(repository, 'examples/demo/src/main.ts')
/** As `npm start` has it. */
const nodeFlags = ['-r', join(repository, 'tools/need-node.cjs'), '--conditions=@countersign/source']

/** Where the demo's data lies, and the port that it is started on. */
export interface DemoHome {
  readonly folder: string
  readonly port: number
  remove(): void
}

export function givenDemoHome(port: number): DemoHome {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-demo-'))
  return { folder, port, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface RunningDemo {
  readonly child: ChildProcess
  readonly appUrl: string
  readonly webUrl: string
  readonly apiUrl: string
  readonly issuer: string
  readonly email: string
  readonly password: string
  /** Sends these signals, and waits for the end. */
  end(...signals: NodeJS.Signals[]): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** What `npm start` starts, until it has greeted. Rejects with what it said if it ends before. */
export async function startDemo(
  { folder, port }: DemoHome,
  more: readonly string[] = [],
  variables: Readonly<Record<string, string>> = {},
  { byNpm = false }: { byNpm?: boolean } = {},
): Promise<RunningDemo> {
  const args = ['--port', String(port), '--data', folder, ...more]
  const { child, said } = spawnDemo(args, variables, byNpm ? ['npm', 'start', '--'] : undefined)
  const closed = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  const greeted = new Promise<void>(resolve => {
    child.stdout?.on('data', () => said().includes('Ctrl+C') && resolve())
  })
  const ended = await Promise.race([greeted, closed])
  if (ended !== undefined) throw new Error(`It ended with ${ended.code}:\n${said()}`)
  // Where the greeting has it: a sentence about the API that came before is none.
  const after = (word: string): string => new RegExp(`(?:^|  )${word} +(\\S+)`, 'm').exec(said())?.[1] ?? ''
  return {
    child,
    appUrl: after('App'),
    webUrl: after('Web app'),
    apiUrl: after('API'),
    issuer: after('Server'),
    email: after('Sign in'),
    password: after('with'),
    end(...signals) {
      for (const signal of signals) child.kill(signal)
      return closed
    },
  }
}

/** Runs it to its own end. */
export async function runDemo(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; said: string }> {
  const { child, said } = spawnDemo(args, variables)
  const [code] = await once(child, 'close')
  return { code, said: said() }
}

function spawnDemo(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  [program = '', ...before]: readonly string[] = [process.execPath, ...nodeFlags, main],
): { child: ChildProcess; said: () => string } {
  const environment = Object.entries(process.env).filter(([name]) => !/^(COUNTERSIGN_|NODE_|VITEST)/.test(name))
  const child = spawn(program, [...before, ...args], {
    cwd: repository,
    env: { ...Object.fromEntries(environment), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const collect = (chunk: string): void => {
    text += chunk
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  return { child, said: () => stripVTControlCharacters(text) }
}
