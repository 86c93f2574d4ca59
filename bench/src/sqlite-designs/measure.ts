import { generateKeyPairSync, sign } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync, statSync, writeSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { designs } from './designs.ts'
import { seededFamilies, type Write } from './schema.ts'

/** What one child process is asked to run. */
export interface Task {
  readonly path: string
  readonly design: string
  readonly durableShare: number
  readonly seconds: number
  readonly inFlight: number
  /** ES256 signatures made by the main thread per write, standing for the rest of a request. */
  readonly signatures: number
}

export interface Outcome {
  readonly perSecond: number
  readonly rotationMsP99: number | null
  readonly loginMsP50: number | null
  readonly loginMsP99: number | null
  readonly pauseMsMax: number
  readonly pauseMsP99: number
  readonly logMiB: number
  /** What one commit and one fdatasync really took here: proof that a slow disk is slow for both. */
  readonly fullCommitMs: number
  readonly datasyncMs: number
}

const task = JSON.parse(process.argv[2] ?? '') as Task
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const payload = Buffer.alloc(400, 'x')

async function run(): Promise<Outcome> {
  const disk = probeDisk(`${task.path}-probe`)
  const design = await designs[task.design]?.open(task.path)
  if (!design) throw new Error(`no design ${task.design}`)
  const latencies: Record<Write['kind'], number[]> = { rotation: [], login: [] }
  let recording = false
  let stopped = false
  const chain = async (): Promise<void> => {
    while (!stopped) {
      const began = performance.now()
      for (let n = 0; n < task.signatures; n++) sign('sha256', payload, privateKey)
      const write: Write =
        Math.random() < task.durableShare
          ? { kind: 'login', user: Math.floor(Math.random() * 1e6) }
          : { kind: 'rotation', family: 1 + Math.floor(Math.random() * seededFamilies) }
      await design.write(write)
      if (recording) latencies[write.kind].push(performance.now() - began)
    }
  }
  const chains = Array.from({ length: task.inFlight }, chain)
  await elapsed(0.5)
  const pauses = monitorEventLoopDelay({ resolution: 1 })
  pauses.enable()
  recording = true
  const began = performance.now()
  await elapsed(task.seconds)
  const seconds = (performance.now() - began) / 1000
  recording = false
  pauses.disable()
  stopped = true
  await Promise.all(chains)
  const logMiB = statSync(`${task.path}-wal`).size / 2 ** 20
  await design.close()
  return {
    perSecond: (latencies.rotation.length + latencies.login.length) / seconds,
    rotationMsP99: quantile(latencies.rotation, 0.99),
    loginMsP50: quantile(latencies.login, 0.5),
    loginMsP99: quantile(latencies.login, 0.99),
    pauseMsMax: pauses.max / 1e6,
    pauseMsP99: pauses.percentile(99) / 1e6,
    logMiB,
    ...disk,
  }
}

function probeDisk(path: string): { fullCommitMs: number; datasyncMs: number } {
  const database = new DatabaseSync(path)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE probe (n); INSERT INTO probe VALUES (0)',
  )
  const insert = database.prepare('INSERT INTO probe VALUES (1)')
  const fullCommitMs = median(Array.from({ length: 9 }, () => timed(() => insert.run())))
  database.close()
  const descriptor = openSync(`${path}-file`, 'w')
  const datasyncMs = median(
    Array.from({ length: 9 }, () => {
      writeSync(descriptor, payload)
      return timed(() => fdatasyncSync(descriptor))
    }),
  )
  closeSync(descriptor)
  return { fullCommitMs, datasyncMs }
}

function timed(act: () => void): number {
  const began = performance.now()
  act()
  return performance.now() - began
}

function median(values: number[]): number {
  return quantile(values, 0.5) ?? 0
}

function quantile(values: number[], share: number): number | null {
  values.sort((x, y) => x - y)
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? null
}

function elapsed(seconds: number): Promise<void> {
  return new Promise(done => setTimeout(done, seconds * 1000))
}

process.stdout.write(`${JSON.stringify(await run())}\n`)
