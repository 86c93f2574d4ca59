import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { type Answer, openConnection } from './connection.ts'
import { proofSigner } from './proofs.ts'
import type { Chain, LoadResult, LoadTask } from './task.ts'

/** Makes one request, and learns from its answer what the next one needs. */
interface Caller {
  readonly request: () => string
  readonly learn: (answer: Answer) => 'good' | 'not rotated' | 'bad'
}

const task = JSON.parse(process.argv[2] ?? '') as LoadTask
const url = new URL(task.url)

function post(contentType: string, headers: string): (body: string) => string {
  const head = `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: ${contentType}\r\n${headers}Content-Length: `
  return body => `${head}${body.length}\r\n\r\n${body}`
}

function refreshing(chain: Chain, clientId: string, proofs: boolean): Caller {
  const sign = proofs && chain.key ? proofSigner(chain.key, task.url) : undefined
  const form = `grant_type=refresh_token&client_id=${clientId}&refresh_token=`
  const plain = post('application/x-www-form-urlencoded', '')
  return {
    request() {
      const body = form + chain.refreshToken
      return sign ? post('application/x-www-form-urlencoded', `DPoP: ${sign()}\r\n`)(body) : plain(body)
    },
    learn({ status, body }) {
      if (status !== 200) return 'bad'
      const at = body.indexOf('"refresh_token":"')
      if (at < 0) return 'not rotated'
      chain.refreshToken = body.slice(at + 17, body.indexOf('"', at + 17))
      return 'good'
    },
  }
}

function signingIn(authorization: string, clientId: string): Caller {
  const send = post('application/json', `Authorization: ${authorization}\r\n`)
  let count = 0
  const mark = Math.random().toString(36).slice(2)
  return {
    request: () => send(JSON.stringify({ client_id: clientId, user: { external_id: `${mark}-${count++}` } })),
    learn: ({ status }) => (status === 201 ? 'good' : 'bad'),
  }
}

function callers(): Caller[][] {
  const own: Caller[][] = Array.from({ length: task.connections }, () => [])
  if (task.kind === 'login') {
    for (const connection of own) connection.push(signingIn(task.authorization, task.clientId))
    return own
  }
  const chains = JSON.parse(readFileSync(task.chainsFile, 'utf8')) as Chain[]
  for (const [n, chain] of chains.entries()) own[n % own.length]?.push(refreshing(chain, task.clientId, task.proofs))
  return own
}

/** Seconds of processor time that a process has used, where /proc tells. */
function processorSeconds(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return null
  }
}

async function run(): Promise<LoadResult> {
  const latencies: number[] = []
  const counts = { good: 0, 'not rotated': 0, bad: 0 }
  let firstError: string | null = null
  let phase: 'warm' | 'measured' | 'over' = 'warm'
  const drive = async (own: Caller[]): Promise<void> => {
    const connection = await openConnection(url.hostname, Number(url.port))
    for (let n = 0; phase !== 'over'; n++) {
      const caller = own[n % own.length]
      if (!caller) break
      const began = performance.now()
      const answer = await connection.send(caller.request())
      const outcome = caller.learn(answer)
      if (outcome === 'bad') firstError ??= `${answer.status} ${answer.body.slice(0, 200)}`
      if (phase !== 'measured') continue
      counts[outcome]++
      latencies.push(performance.now() - began)
    }
    connection.close()
  }
  const all = Promise.all(callers().map(drive))
  await Promise.race([all, elapsed(task.warmSeconds)])
  phase = 'measured'
  const serverBefore = processorSeconds(task.serverPid)
  const before = process.cpuUsage()
  const began = performance.now()
  await Promise.race([all, elapsed(task.seconds)])
  const seconds = (performance.now() - began) / 1000
  const used = process.cpuUsage(before)
  const serverAfter = processorSeconds(task.serverPid)
  phase = 'over'
  await all
  latencies.sort((x, y) => x - y)
  const quantile = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
  return {
    perSecond: (counts.good + counts['not rotated']) / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    cpu: {
      load: (used.user + used.system) / 1e6 / seconds,
      server: serverBefore === null || serverAfter === null ? null : (serverAfter - serverBefore) / seconds,
    },
    withoutRotation: counts['not rotated'],
    errors: counts.bad,
    firstError,
  }
}

function elapsed(seconds: number): Promise<void> {
  return new Promise(done => setTimeout(done, seconds * 1000))
}

process.stdout.write(`${JSON.stringify(await run())}\n`)
