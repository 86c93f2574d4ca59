/**
 * `npm run check`: types, format and lint, tidy, dead code, package shape; side by side, in seconds.
 * Every failure is printed in full; the exit code is the number of checks that failed.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'

interface Check {
  readonly name: string
  /** A script and its parameters. It is started with this Node: what is in `.bin` may start on another. */
  readonly command: readonly string[]
  /** The check whose output on disk this one reads. */
  readonly after?: string
}

const checks: readonly Check[] = [
  { name: 'types', command: ['node_modules/typescript/bin/tsc', '-b', '--pretty'] },
  {
    name: 'format and lint',
    command: ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--colors=off', '.'],
  },
  { name: 'tidy', command: ['tools/tidy.ts'] },
  { name: 'dead code', command: ['node_modules/knip/bin/knip.js', '--no-progress', '--no-config-hints', '--cache'] },
  { name: 'package shape', command: ['tools/package-shape.ts'], after: 'types' },
]

interface Outcome {
  readonly check: Check
  readonly passed: boolean
  readonly output: string
  readonly seconds: number
}

const root = fileURLToPath(new URL('..', import.meta.url))

async function run(check: Check): Promise<Outcome> {
  const started = performance.now()
  const child = spawn(process.execPath, check.command, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const collect = (chunk: string): void => {
    output += chunk
  }
  child.stdout.setEncoding('utf8').on('data', collect)
  child.stderr.setEncoding('utf8').on('data', collect)
  const [exitCode] = await once(child, 'close')
  return { check, passed: exitCode === 0, output, seconds: (performance.now() - started) / 1000 }
}

function report({ check, passed, output, seconds }: Outcome): void {
  const mark = passed ? styleText('green', '✓') : styleText('red', '✗')
  process.stdout.write(`${mark} ${check.name.padEnd(16)} ${seconds.toFixed(1)} s\n`)
  if (!passed) process.stdout.write(`\n${output.trim()}\n\n`)
}

const started = performance.now()
const running = new Map<string, Promise<Outcome>>()
for (const check of checks) {
  const before = check.after === undefined ? undefined : running.get(check.after)
  running.set(
    check.name,
    Promise.resolve(before).then(() => run(check)),
  )
}
const outcomes: Outcome[] = []
for (const outcome of running.values()) {
  outcomes.push(await outcome)
  report(await outcome)
}
const failed = outcomes.filter(({ passed }) => !passed)
const total = `${((performance.now() - started) / 1000).toFixed(1)} s`
process.stdout.write(failed.length === 0 ? `All checks passed in ${total}\n` : `${failed.length} failed in ${total}\n`)
process.exitCode = failed.length
