import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { backEndAuthorization, makeLogins } from '../countersign/logins.ts'
import { residentMiB } from '../harness/processes.ts'
import { processorSeconds } from '../harness/processor.ts'
import { figure, median } from '../harness/workload.ts'
import type { Measured, Ours, Scene } from './scene.ts'

/** Of one node, as the load looks on. */
interface Cost {
  /** Milliseconds of processor time a second. */
  readonly used: number
  readonly residentMiB: number
}

/** What those cost who follow the revocation feed of one node: while nothing but its heartbeat goes out, and for each revocation that they are told. */
export async function followers({ settings, ours, followers: count }: Scene): Promise<Measured> {
  const { system } = await ours()
  const server = await system.start()
  const seconds = settings.short ? 3 : 10
  const revocations = settings.short ? 5 : 40
  const crowd = await gather(system)
  try {
    const tokens = (await makeLogins(system, revocations)).map(({ refreshToken }) => refreshToken)
    await crowd.grow(1)
    const alone = await costOf(server.pid, seconds)
    await crowd.grow(count)
    settings.progress(`${figure(count)} follow the feed`)
    const many = await costOf(server.pid, seconds)
    const telling = await tell(server.pid, crowd, tokens)
    const each = (many.used - alone.used) / (count - 1)
    const more = telling.seconds * (telling.cost.used - many.used)
    const rows = [
      ['1', figure(alone.used / 10, 2), figure(alone.residentMiB), '', '', '', ''],
      [
        figure(count),
        figure(many.used / 10, 2),
        figure(many.residentMiB),
        figure(each * 1000),
        figure(((many.residentMiB - alone.residentMiB) / (count - 1)) * 1024, 1),
        figure(more / revocations, 1),
        figure(telling.lastMs, 1),
      ],
    ]
    const columns = [
      'followers',
      '% of a core',
      'resident MiB',
      'µs of core a second, each',
      'KiB each',
      'ms of core a revocation',
      'until the last has it, ms',
    ]
    const notes = [
      `Over ${seconds} s in which only the heartbeat goes out, once a second to each; then ${revocations} logins are ended one after the other, each once everybody has heard of the one before: what that takes beyond the heartbeat, the end itself included, and the median time from the request until the last follower has the entry.`,
    ]
    return { table: { title: 'Followers of the revocation feed, one node', columns, rows, notes } }
  } finally {
    crowd.leave()
    await server.stop()
  }
}

interface Crowd {
  readonly grow: (count: number) => Promise<void>
  /** Ends a login, and resolves once every follower has been told. */
  readonly hearOf: (refreshToken: string) => Promise<void>
  readonly leave: () => void
}

async function gather(system: Ours['system']): Promise<Crowd> {
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY })
  const authorization = await backEndAuthorization(system, 'revocations')
  const streams: IncomingMessage[] = []
  let missing = 0
  let allHave: (() => void) | undefined
  const follow = async (): Promise<void> => {
    const headers = { accept: 'text/event-stream', authorization }
    const asked = request(`${system.address}/revocations`, { agent, headers }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    if (answer.statusCode !== 200) throw new Error(`the feed was answered ${answer.statusCode}`)
    streams.push(answer)
    await once(answer, 'data')
    answer.on('data', (chunk: Buffer) => {
      if (chunk.includes('event: entries') && --missing === 0) allHave?.()
    })
  }
  return {
    async grow(count) {
      while (streams.length < count) {
        await Promise.all(Array.from({ length: Math.min(50, count - streams.length) }, follow))
      }
    },
    async hearOf(token) {
      missing = streams.length
      const heard = new Promise<void>(resolve => {
        allHave = resolve
      })
      const body = new URLSearchParams({ client_id: system.clientId, token })
      const answer = await fetch(`${system.address}/revoke`, { method: 'POST', body })
      if (answer.status !== 200) throw new Error(`a revocation was answered ${answer.status}`)
      await heard
    },
    leave() {
      for (const stream of streams) stream.destroy()
      agent.destroy()
    },
  }
}

async function costOf(pid: number, seconds: number): Promise<Cost> {
  const before = processorSeconds(pid) ?? Number.NaN
  await new Promise(done => setTimeout(done, seconds * 1000))
  return { used: usedSince(pid, before, seconds), residentMiB: residentMiB(pid) ?? Number.NaN }
}

async function tell(
  pid: number,
  crowd: Crowd,
  tokens: readonly string[],
): Promise<{ cost: Cost; seconds: number; lastMs: number | undefined }> {
  const before = processorSeconds(pid) ?? Number.NaN
  const began = performance.now()
  const times: number[] = []
  for (const token of tokens) {
    const sent = performance.now()
    await crowd.hearOf(token)
    times.push(performance.now() - sent)
  }
  const seconds = (performance.now() - began) / 1000
  const cost = { used: usedSince(pid, before, seconds), residentMiB: residentMiB(pid) ?? Number.NaN }
  return { cost, seconds, lastMs: median(times) }
}

function usedSince(pid: number, before: number, seconds: number): number {
  return (((processorSeconds(pid) ?? Number.NaN) - before) / seconds) * 1000
}
