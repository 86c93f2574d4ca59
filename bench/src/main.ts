import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleCommand } from './countersign/server.ts'
import { machineFacts } from './harness/machine.ts'
import { aimsTable, writeFigures } from './harness/page.ts'
import { renderTable } from './harness/report.ts'
import type { Aim, Result, Settings, Table, Workload } from './harness/workload.ts'
import { disk } from './workloads/disk.ts'
import { authorize, introspect, machines, redeem, userinfo } from './workloads/grants.ts'
import { logins } from './workloads/logins.ts'
import { refreshBound, refreshUnbound } from './workloads/refresh.ts'
import { revocation } from './workloads/revocation.ts'
import { start } from './workloads/start.ts'
import { verify } from './workloads/verify.ts'

const workloads: Readonly<Record<string, Workload>> = {
  refresh: refreshUnbound,
  'refresh-dpop': refreshBound,
  logins,
  authorize,
  redeem,
  introspect,
  userinfo,
  machines,
  verify,
  revocation,
  start,
  disk,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '32' },
    folder: { type: 'string', default: tmpdir() },
    write: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const help = `npm run bench -- [options] [workload …]     all workloads if none is named

${Object.entries(workloads)
  .map(([name, { text }]) => `  ${name.padEnd(14)}${text}`)
  .join('\n')}

  --short           one short round: does everything work? The figures are not for quoting
  --rounds N        rounds, in which the contestants take turns; medians are printed (3)
  --seconds N       seconds that each of them is measured, per round (3)
  --connections N   keep-alive connections, one request under way on each (32)
  --folder PATH     where databases go: the disk that is measured (${tmpdir()})
  --write FILE.md   also writes the figures into a page, between its two marks: docs/benchmarks.md
  --json FILE       also writes them as JSON

How to write to SQLite is compared by a script of its own: node bench/src/sqlite-designs.ts --help`

if (values.help) {
  console.log(help)
  process.exit(0)
}

const wrong = positionals.find(name => !Object.hasOwn(workloads, name))
if (wrong !== undefined) {
  console.error(`There is no workload "${wrong}".\n\n${help}`)
  process.exit(1)
}

if (values.write !== undefined && !existsSync(values.write)) {
  console.error(`${values.write} is not there: figures are written into a page that is.`)
  process.exit(1)
}

const folder = mkdtempSync(join(values.folder, 'countersign-bench-'))
const began = performance.now()
const settings: Settings = {
  rounds: Number(values.rounds ?? (values.short ? 1 : 3)),
  seconds: Number(values.seconds ?? (values.short ? 1 : 3)),
  connections: Number(values.connections),
  short: values.short,
  folder,
  command: bundleCommand(folder),
  progress: text => console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text}`),
}

try {
  const facts = [
    ...machineFacts(),
    `${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections, medians${settings.short ? '; a short run, not for quoting' : ''}.`,
  ]
  console.log(facts.join('\n'), '\n')
  const names = positionals.length > 0 ? positionals : Object.keys(workloads)
  const lasts = names.reduce((sum, name) => sum + (workloads[name]?.lastsSeconds(settings) ?? 0), 0)
  settings.progress(`this takes about ${Math.ceil(lasts / 60)} minutes`)
  const tables: Table[] = []
  const aims: Aim[] = []
  for (const [place, name] of names.entries()) {
    settings.progress(`${place + 1} of ${names.length} · ${name}: ${workloads[name]?.text}`)
    const result = await runOne(name)
    tables.push(...result.tables)
    aims.push(...result.aims)
    for (const table of result.tables) console.log(renderTable(table))
  }
  console.log(renderTable(aimsTable(aims)))
  if (values.write) writeFigures(values.write, { facts, tables, aims })
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ facts, tables, aims }, null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** One that breaks does not take the figures of the others with it. */
async function runOne(name: string): Promise<Result> {
  try {
    return (await workloads[name]?.run(settings)) ?? { tables: [], aims: [] }
  } catch (error) {
    process.exitCode = 1
    const why = error instanceof Error ? error.message : String(error)
    settings.progress(`${name} failed: ${why}`)
    const note = 'This workload failed, and has no figures.'
    return { tables: [{ title: name, columns: [''], rows: [], notes: [note] }], aims: [] }
  }
}
