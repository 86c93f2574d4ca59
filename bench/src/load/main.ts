import { readFileSync, writeFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { databaseProcessorSeconds, processorSeconds } from '../harness/processor.ts'
import { type Answer, openConnection } from './connection.ts'
import { proofSigner } from './proofs.ts'
import type { Calls, Chain, LoadResult, LoadTask } from './task.ts'

/** Makes one request, and learns from its answer what the next one needs. */
interface Caller {
  /** Undefined: there is nothing left to ask. */
  readonly request: () => string | undefined
  readonly learn: (answer: Answer) => 'good' | 'not rotated' | 'bad'
}

const task = JSON.parse(process.argv[2] ?? '') as LoadTask
const url = new URL(task.url)

function post(contentType: string, headers: string): (body: string) => string {
  const head = `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: ${contentType}\r\n${headers}Content-Length: `
  return body => `${head}${body.length}\r\n\r\n${body}`
}

const tokenMember = '"refresh_token":"'

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
      const member = body.indexOf(tokenMember)
      if (member < 0) return 'not rotated'
      const start = member + tokenMember.length
      chain.refreshToken = body.slice(start, body.indexOf('"', start))
      return 'good'
    },
  }
}

function signingIn(authorization: string, clientId: string, users: number): Caller {
  const send = post('application/json', `Authorization: ${authorization}\r\n`)
  let count = Math.floor(Math.random() * users)
  return {
    request: () => send(JSON.stringify({ client_id: clientId, user: { external_id: `user-${count++ % users}` } })),
    learn: ({ status }) => (status === 201 ? 'good' : 'bad'),
  }
}

/** The request is one text but for its values, as it would be made by hand. */
function calling({ method, path, headers, body = '', once, good }: Calls, values: string[]): Caller {
  const head = Object.entries({ Host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = (value: string): string => {
    const content = body.replaceAll('{value}', value)
    const length = method === 'POST' ? `Content-Length: ${content.length}\r\n` : ''
    return `${method} ${path} HTTP/1.1\r\n${head.join('')}${length}\r\n`.replaceAll('{value}', value) + content
  }
  let count = 0
  return {
    request() {
      const value = once ? values.pop() : values[count++ % values.length]
      return value === undefined ? undefined : request(value)
    },
    learn: answer => {
      const isGood =
        answer.status === good.status && (answer.body.includes(good.text) || answer.head.includes(good.text))
      return isGood ? 'good' : 'bad'
    },
  }
}

interface Work {
  /** For each connection, what it asks in turn. */
  readonly callers: Caller[][]
  /** Leaves the files as the next round needs them. */
  readonly save: () => void
}

function work(): Work {
  const sameForAll = (caller: Caller): Caller[][] => Array.from({ length: task.connections }, () => [caller])
  if (task.kind === 'login') {
    return { callers: sameForAll(signingIn(task.authorization, task.clientId, task.users)), save: () => {} }
  }
  if (task.kind === 'calls') {
    const { valuesFile, once } = task
    const values = valuesFile === undefined ? [''] : (JSON.parse(readFileSync(valuesFile, 'utf8')) as string[])
    const save = (): void => {
      if (valuesFile !== undefined && once) writeFileSync(valuesFile, JSON.stringify(values))
    }
    return { callers: sameForAll(calling(task, values)), save }
  }
  const { chainsFile, clientId, proofs } = task
  const chains = JSON.parse(readFileSync(chainsFile, 'utf8')) as Chain[]
  const callers: Caller[][] = Array.from({ length: task.connections }, () => [])
  for (const [n, chain] of chains.entries()) callers[n % callers.length]?.push(refreshing(chain, clientId, proofs))
  return { callers, save: () => writeFileSync(chainsFile, JSON.stringify(chains)) }
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
      const request = caller.request()
      // The values are used up: the round is as long as it was.
      if (request === undefined && phase === 'measured') break
      if (request === undefined) throw new Error('there is nothing left to ask: the round was too long')
      const began = performance.now()
      const answer = await connection.send(request)
      const outcome = caller.learn(answer)
      if (outcome === 'bad') firstError ??= `${answer.status} ${answer.body.slice(0, 200)}`
      if (phase !== 'measured') continue
      counts[outcome]++
      latencies.push(performance.now() - began)
    }
    connection.close()
  }
  const { callers, save } = work()
  const all = Promise.all(callers.map(drive))
  await Promise.race([all, elapsed(task.warmSeconds)])
  phase = 'measured'
  const [serverBefore, databaseBefore] = processorTimes()
  const before = process.cpuUsage()
  const began = performance.now()
  await Promise.race([all, elapsed(task.seconds)])
  const seconds = (performance.now() - began) / 1000
  const used = process.cpuUsage(before)
  const [serverAfter, databaseAfter] = processorTimes()
  phase = 'over'
  await all
  save()
  latencies.sort((x, y) => x - y)
  const quantile = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
  return {
    perSecond: (counts.good + counts['not rotated']) / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    cpu: {
      load: (used.user + used.system) / 1e6 / seconds,
      server: shareOf(serverBefore, serverAfter, seconds),
      database: shareOf(databaseBefore, databaseAfter, seconds),
    },
    withoutRotation: counts['not rotated'],
    errors: counts.bad,
    firstError,
  }
}

function processorTimes(): [number | null, number | null] {
  const { serverPid, databasePid } = task
  return [processorSeconds(serverPid), databasePid === undefined ? null : databaseProcessorSeconds(databasePid)]
}

function shareOf(before: number | null, after: number | null, seconds: number): number | null {
  return before === null || after === null ? null : (after - before) / seconds
}

function elapsed(seconds: number): Promise<void> {
  return new Promise(done => setTimeout(done, seconds * 1000))
}

process.stdout.write(`${JSON.stringify(await run())}\n`)
