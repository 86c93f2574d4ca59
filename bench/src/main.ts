import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { machineFacts, notPinned } from './harness/machine.ts'
import { renderTable } from './harness/report.ts'
import type { Settings, Table, Workload } from './harness/workload.ts'
import { refreshBound, refreshUnbound } from './workloads/refresh.ts'
import { verify } from './workloads/verify.ts'

const workloads: Readonly<Record<string, Workload>> = {
  refresh: refreshUnbound,
  'refresh-dpop': refreshBound,
  verify,
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
  --seconds N       seconds that each of them is measured, per round (5)
  --connections N   keep-alive connections, one request under way on each (32)
  --folder PATH     where databases go: the disk that is measured (${tmpdir()})
  --write FILE.md   also writes the tables and what they were seen on
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

const folder = mkdtempSync(join(values.folder, 'countersign-bench-'))
const began = performance.now()
const settings: Settings = {
  rounds: Number(values.rounds ?? (values.short ? 1 : 3)),
  seconds: Number(values.seconds ?? (values.short ? 1 : 5)),
  connections: Number(values.connections),
  short: values.short,
  folder,
  progress: text => console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text}`),
}

try {
  const facts = machineFacts()
  console.log(facts.join('\n'), '\n')
  const tables: Table[] = []
  for (const name of positionals.length > 0 ? positionals : Object.keys(workloads)) {
    settings.progress(`${name}: ${workloads[name]?.text}`)
    for (const table of (await workloads[name]?.run(settings)) ?? []) {
      tables.push(table)
      console.log(renderTable(table))
    }
  }
  const conditions = `${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections${settings.short ? '; a short run, not for quoting' : ''}.`
  if (notPinned) console.log(notPinned)
  if (values.write) {
    const heading = `# Benchmarks\n\n${facts.map(fact => `- ${fact}`).join('\n')}\n- ${conditions}\n`
    writeFileSync(values.write, `${heading}\n${tables.map(renderTable).join('\n')}`)
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ facts, settings: conditions, tables }, null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
