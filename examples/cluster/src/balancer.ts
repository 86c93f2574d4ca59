import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { nginxConfiguration, sendingPath } from './nginx-configuration.ts'

/** nginx in front, and what tells it which nodes there are: whoever is ready, by their own word. */
export interface Balancer {
  readonly url: string
  /** Resolves once nginx sends requests to this node. */
  sends(node: string): Promise<void>
  close(): Promise<void>
}

const askEveryMs = 200
const patienceMs = 2_000

/**
 * Starts nginx once all nodes are ready. It learns of a node's end only by failing to reach it. So somebody else asks each node `/ready` five times a second, and
 * gives nginx the list of those that are. Other load balancers do that by themselves.
 */
export async function startBalancer(options: {
  nginx: string
  folder: string
  port: number
  nodes: readonly string[]
}): Promise<Balancer> {
  const { nginx, folder, port, nodes } = options
  const file = join(folder, 'nginx.conf')
  mkdirSync(folder, { recursive: true })
  let ready: readonly string[] = []
  const write = (): void => writeFileSync(file, nginxConfiguration({ port, nodes: ready }))
  const look = async (): Promise<readonly string[]> => {
    const answers = await Promise.all(nodes.map(async node => (await read(`http://${node}/ready`))?.status === 200))
    return nodes.filter((_node, index) => answers[index])
  }
  // With all of them from the beginning: right after a reload, workers of before may still take a connection, and would know of none.
  while (ready.length < nodes.length) ready = await look()
  write()
  const child: ChildProcess = spawn(nginx, ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  let hasEnded = false
  const ended = once(child, 'close').then(() => {
    hasEnded = true
  })

  async function ask(): Promise<void> {
    const now = await look()
    if (now.join() === ready.join()) return
    ready = now
    write()
    child.kill('SIGHUP')
  }

  let asking = ask()
  const timer = setInterval(() => {
    asking = asking.then(ask)
  }, askEveryMs)
  const url = `http://127.0.0.1:${port}`

  return {
    url,
    async sends(node) {
      // Until nginx itself says so: it takes a moment to read its file anew.
      while (!(await read(url + sendingPath))?.text.split(',').includes(node)) {
        if (hasEnded) throw new Error(`nginx has ended. Is port ${port} in use?`)
        await asking
      }
    },
    async close() {
      clearInterval(timer)
      await asking
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** One question on a connection of its own; `undefined` if there is no answer. */
function read(url: string): Promise<{ status: number; text: string } | undefined> {
  return new Promise(resolve => {
    const asked = get(url, { agent: false, signal: AbortSignal.timeout(patienceMs) }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      answer.on('error', () => resolve(undefined))
    })
    asked.on('error', () => resolve(undefined))
  })
}
