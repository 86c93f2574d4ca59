import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { count, countOrNone, number, orEnd, readValue, shares, someOf } from './harness/values.ts'
import { designs } from './sqlite-designs/designs.ts'
import type { Outcome, Task } from './sqlite-designs/measure.ts'
import { powerLoss } from './sqlite-designs/power-loss.ts'
import { createSeededDatabase, seededFamilies } from './sqlite-designs/schema.ts'
import { buildSlowFsync } from './sqlite-designs/slow-fsync.ts'

const { values } = orEnd(() =>
  parseArgs({
    options: {
      designs: { type: 'string', default: Object.keys(designs).join(',') },
      shares: { type: 'string', default: '0,0.05,1' },
      seconds: { type: 'string', default: '4' },
      rounds: { type: 'string', default: '3' },
      signatures: { type: 'string', default: '4' },
      'in-flight': { type: 'string', default: '32' },
      cores: { type: 'string', default: '0' },
      disks: { type: 'string', default: 'own,slow' },
      folder: { type: 'string', default: tmpdir() },
      'power-loss': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  }),
)

if (values.help) {
  console.log(`Compares ways to write to SQLite from a server. Each run is a process of its own on a fresh copy of one seeded file.

  --designs a,b2,…   ${Object.entries(designs)
    .map(([name, { text }]) => `${name.padEnd(3)}${text}`)
    .join('\n                     ')}
  --shares 0,0.05,1  shares of durable logins among the writes; the rest are rotations
  --seconds 4        length of a run
  --rounds 3         runs of each, interleaved; medians are printed
  --signatures 4     ES256 signatures per write in the main thread, standing for the rest of a request (0: nothing but writes)
  --in-flight 32     writes under way at once
  --cores 0          list for taskset ("0,1" leaves the process both; "" does not pin)
  --disks own,slow   slow: every fsync and fdatasync takes 10 ms longer (needs gcc and LD_PRELOAD)
  --folder PATH      where the files go, on the disk to be measured
  --power-loss N     measures nothing, but kills each design N times and looks for its acknowledged logins in what was
                     synced by then ("unsafe" answers too early, and has to be found out)`)
  process.exit(0)
}

const crashes = values['power-loss']
const asked = orEnd(() => ({
  designs: readValue('designs', values.designs, someOf(Object.keys(designs))),
  shares: readValue('shares', values.shares, shares),
  seconds: readValue('seconds', values.seconds, number),
  rounds: readValue('rounds', values.rounds, count),
  signatures: readValue('signatures', values.signatures, countOrNone),
  inFlight: readValue('in-flight', values['in-flight'], count),
  disks: readValue('disks', values.disks, someOf(['own', 'slow'])),
  crashes: crashes === undefined ? undefined : readValue('power-loss', crashes, count),
}))

const folder = mkdtempSync(join(values.folder, 'countersign-sqlite-'))

function runOne(task: Task, preload: string | undefined): Promise<Outcome> {
  const script = fileURLToPath(new URL('./sqlite-designs/measure.ts', import.meta.url))
  const command = [process.execPath, script, JSON.stringify(task)]
  if (values.cores) command.unshift('taskset', '-c', values.cores)
  const [file = '', ...args] = command
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(preload ? { LD_PRELOAD: preload } : {}) },
  })
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', chunk => {
      text += chunk
    })
    child.on('close', code => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`a run ended with ${code}`))))
  })
}

function median(values: readonly (number | null)[]): number | null {
  const sorted = values.filter(value => value !== null).sort((x, y) => x - y)
  return sorted[Math.floor(sorted.length / 2)] ?? null
}

function cell(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits)
}

try {
  if (asked.crashes !== undefined) await reportPowerLoss(asked.crashes)
  else await compareDesigns()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function reportPowerLoss(crashes: number): Promise<void> {
  console.log('| design | crashes | acknowledged logins | of them lost | damaged files |\n|---|---:|---:|---:|---:|')
  for (const design of ['unsafe', ...asked.designs]) {
    const found = await powerLoss(folder, design, crashes)
    console.log(`| ${design} | ${crashes} | ${found.acknowledged} | ${found.lost} | ${found.damaged} |`)
  }
}

async function compareDesigns(): Promise<void> {
  const seed = join(folder, 'seed.db')
  createSeededDatabase(seed, seededFamilies)
  const slow = buildSlowFsync(folder, 10_000)
  const outcomes = new Map<string, Outcome[]>()
  for (let round = 1; round <= asked.rounds; round++) {
    for (const disk of asked.disks) {
      if (disk === 'slow' && !slow) continue
      for (const share of asked.shares) {
        for (const design of asked.designs) {
          const path = join(folder, 'run.db')
          for (const suffix of ['', '-wal', '-shm', '-probe', '-probe-file']) rmSync(path + suffix, { force: true })
          copyFileSync(seed, path)
          execFileSync('sync')
          const outcome = await runOne(
            {
              path,
              design,
              durableShare: share,
              seconds: asked.seconds,
              inFlight: asked.inFlight,
              signatures: asked.signatures,
            },
            disk === 'slow' ? slow : undefined,
          )
          const key = `${disk} | ${share * 100} % | ${design}`
          outcomes.set(key, [...(outcomes.get(key) ?? []), outcome])
          console.error(`round ${round} · ${key} · ${outcome.perSecond.toFixed(0)}/s`)
        }
      }
    }
  }
  if (!slow && asked.disks.includes('slow')) console.log('No gcc or no LD_PRELOAD here: the slow disk was left out.\n')
  console.log(
    '| disk | logins | design | writes/s | rotation p99 ms | login p50 ms | login p99 ms | longest pause ms | pause p99 ms | log MiB | FULL commit ms | fdatasync ms |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|---|---|---|')
  for (const [key, runs] of outcomes) {
    const of = (field: keyof Outcome, digits: number): string => cell(median(runs.map(run => run[field])), digits)
    console.log(
      `| ${key} | ${of('perSecond', 0)} | ${of('rotationMsP99', 1)} | ${of('loginMsP50', 1)} | ${of('loginMsP99', 1)} | ${of('pauseMsMax', 1)} | ${of('pauseMsP99', 1)} | ${of('logMiB', 0)} | ${of('fullCommitMs', 2)} | ${of('datasyncMs', 2)} |`,
    )
  }
}
