import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleCommand } from './countersign/server.ts'
import { readCommandLine } from './harness/command-line.ts'
import { machineFacts } from './harness/machine.ts'
import { aimsTable, writeFigures } from './harness/page.ts'
import { renderTable } from './harness/report.ts'
import { text } from './harness/values.ts'
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

const asked = readCommandLine({
  command: 'bench',
  measures: Object.fromEntries(Object.entries(workloads).map(([name, workload]) => [name, workload.text])),
  seconds: 3,
  page: 'docs/benchmarks.md',
  own: { json: { value: 'FILE', text: 'also writes them as JSON', reader: text } },
  closing: 'How to write to SQLite is compared by a script of its own: node bench/src/sqlite-designs.ts --help',
})

const folder = mkdtempSync(join(asked.folder, 'countersign-bench-'))
const began = performance.now()
const settings: Settings = {
  rounds: asked.rounds,
  seconds: asked.seconds,
  connections: asked.connections,
  short: asked.short,
  folder,
  command: bundleCommand(folder),
  progress: said => console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${said}`),
}

try {
  const facts = [
    ...machineFacts(),
    `${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections, medians${settings.short ? '; a short run, not for quoting' : ''}.`,
  ]
  console.log(facts.join('\n'), '\n')
  const { names } = asked
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
  if (asked.write) writeFigures(asked.write, { facts, tables, aims }, { partly: !asked.isWhole })
  if (asked.own.json) writeFileSync(asked.own.json, `${JSON.stringify({ facts, tables, aims }, null, 2)}\n`)
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
