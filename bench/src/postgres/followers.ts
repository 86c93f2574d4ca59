import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { backEndAuthorization } from '../countersign/logins.ts'
import { residentMiB } from '../harness/processes.ts'
import { processorSeconds } from '../harness/processor.ts'
import { figure } from '../harness/workload.ts'
import type { Measured, Scene } from './scene.ts'

/** What those cost who follow the revocation feed of one node, while nothing but its heartbeat goes out. */
export async function followers({ settings, ours, followers: count }: Scene): Promise<Measured> {
  const { system } = await ours()
  const server = await system.start()
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY })
  const seconds = settings.short ? 3 : 10
  const streams: IncomingMessage[] = []
  try {
    const authorization = await backEndAuthorization(system, 'revocations')
    const follow = async (): Promise<void> => {
      const headers = { accept: 'text/event-stream', authorization }
      const asked = request(`${system.address}/revocations`, { agent, headers }).end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      if (answer.statusCode !== 200) throw new Error(`the feed was answered ${answer.statusCode}`)
      streams.push(answer)
      await once(answer, 'data')
      answer.resume()
    }
    await follow()
    const alone = await usedIn(server.pid, seconds)
    const before = residentMiB(server.pid) ?? Number.NaN
    for (let first = 1; first < count; first += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - first) }, follow))
    }
    settings.progress(`${figure(count)} follow the feed`)
    const many = await usedIn(server.pid, seconds)
    const after = residentMiB(server.pid) ?? Number.NaN
    const rows = [
      ['1', figure(alone / 10, 2), figure(before), '', ''],
      [
        figure(count),
        figure(many / 10, 2),
        figure(after),
        figure(((many - alone) / (count - 1)) * 1000),
        figure(((after - before) / (count - 1)) * 1024, 1),
      ],
    ]
    const columns = ['followers', '% of a core', 'resident MiB', 'µs of core a second, each', 'KiB each']
    const notes = [`Over ${seconds} s in which only the heartbeat goes out, once a second to each.`]
    return { table: { title: 'Followers of the revocation feed, one node', columns, rows, notes } }
  } finally {
    for (const stream of streams) stream.destroy()
    agent.destroy()
    await server.stop()
  }
}

/** Milliseconds of processor time a second. */
async function usedIn(pid: number, seconds: number): Promise<number> {
  const before = processorSeconds(pid) ?? Number.NaN
  await new Promise(done => setTimeout(done, seconds * 1000))
  return (((processorSeconds(pid) ?? Number.NaN) - before) / seconds) * 1000
}
