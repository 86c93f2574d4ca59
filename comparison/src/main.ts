import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { compareAll, type HonestRow, type TheftRow } from './compare-servers.ts'
import { contenders } from './contenders.ts'
import { type Measured, marker, measuredPage } from './page.ts'
import { compareSdks, type SdkRow } from './sdks/compare-sdks.ts'

const usage = `Usage: npm run compare -- [options]

  --logins N      logins for each line of the servers' tables (default 200)
  --rounds N      expiries for each line of the SDKs' table (default 20)
  --only PART     servers or sdks
  --write FILE    puts the tables into the page, below its marker
  --help`

const compared = [
  'oidc-provider',
  'better-auth',
  '@better-auth/oauth-provider',
  'oidc-client-ts',
  '@supabase/auth-js',
  'axios-auth-refresh',
  'axios',
]

process.exitCode = await main()

async function main(): Promise<number> {
  let wanted: ReturnType<typeof readOptions>
  try {
    wanted = readOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`)
    return 2
  }
  if (wanted.help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const [honest, thefts, sdks]: [HonestRow[], TheftRow[], SdkRow[]] = [[], [], []]
  for (const contender of wanted.only === 'sdks' ? [] : contenders) {
    const rows = await compareAll(contender, wanted.logins, say)
    honest.push(...rows.honest)
    thefts.push(...rows.thefts)
  }
  if (wanted.only !== 'servers') sdks.push(...(await compareSdks(wanted.rounds, say)))
  const page = measuredPage({ ...surroundings(wanted), honest, thefts, sdks })
  process.stdout.write(`${page}\n`)
  if (wanted.write !== undefined) {
    const [head] = readFileSync(wanted.write, 'utf8').split(marker)
    writeFileSync(wanted.write, `${head}${marker}\n\n${page}\n`)
  }
  return 0
}

function readOptions(words: readonly string[]) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      logins: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      write: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const { only, write, help = false } = values
  if (only !== undefined && only !== 'servers' && only !== 'sdks') throw new Error('--only must be servers or sdks.')
  if (only !== undefined && write !== undefined) throw new Error('--write takes everything: not with --only.')
  return {
    logins: wholeNumber('--logins', values.logins ?? '200'),
    rounds: wholeNumber('--rounds', values.rounds ?? '20'),
    only,
    write,
    help,
  }
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`${name} must be a whole number from 1 to 9999, not "${text}".`)
  return Number(text)
}

function surroundings({
  logins,
  rounds,
}: {
  logins: number
  rounds: number
}): Omit<Measured, 'honest' | 'thefts' | 'sdks'> {
  const { devDependencies } = createRequire(import.meta.url)('../package.json') as {
    devDependencies: Record<string, string>
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    machine: cpus()[0]?.model ?? 'unknown',
    versions: Object.fromEntries(compared.map(name => [name, devDependencies[name] ?? ''])),
    logins,
    rounds,
  }
}
