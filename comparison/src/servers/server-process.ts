import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** When it is, by the clock of every server, as a comparison begins. */
export const startsAt: number = Date.UTC(2026, 10, 2, 9)

export interface ServerProcess {
  /** The first line that it printed. */
  readonly firstLine: string
  /** Moves its clock. */
  advance(milliseconds: number): Promise<void>
  stop(): Promise<void>
}

/** Starts a script of Node's as it would be started in production, but for its clock. */
export async function startProcess(script: string, args: readonly string[]): Promise<ServerProcess> {
  const clock = join(import.meta.dirname, 'virtual-clock.ts')
  const child = spawn(process.execPath, ['--conditions=@countersign/source', '--import', clock, script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...quietEnvironment(), NODE_ENV: 'production', NODE_NO_WARNINGS: '1', COMPARISON_STARTS_AT: `${startsAt}` },
  })
  let [said, complained] = ['', '']
  child.stdout?.on('data', chunk => {
    said += chunk
    child.emit('said')
  })
  child.stderr?.on('data', chunk => {
    complained = `${complained}${chunk}`.slice(-4000)
  })
  const ended = once(child, 'close')
  const die = (): boolean => child.kill('SIGKILL')
  process.once('exit', die)
  while (!said.includes('\n')) {
    const what = await Promise.race([once(child, 'said').then(() => 'said'), ended.then(() => 'ended')])
    if (what === 'ended') throw new Error(`${script} ended before it was ready:\n${said}${complained}`)
  }
  return {
    firstLine: said.slice(0, said.indexOf('\n')),
    async advance(milliseconds) {
      const answered = once(child, 'message')
      child.send({ advance: milliseconds })
      await answered
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
      process.off('exit', die)
    },
  }
}

function quietEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(COUNTERSIGN_|BETTER_AUTH_|NODE_OPTIONS$|VITEST)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}
