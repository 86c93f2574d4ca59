import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nginxConfiguration, restFile } from './nginx-configuration.ts'

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
 * puts down a file for each that is not. Other load balancers do that by themselves.
 */
export async function startBalancer(options: {
  nginx: string
  port: number
  nodes: readonly string[]
}): Promise<Balancer> {
  const { nginx, port, nodes } = options
  const folder = mkdtempSync(join(tmpdir(), 'countersign-nginx-'))
  // Started as root, nginx looks for the files as a user without rights.
  chmodSync(folder, 0o755)
  const file = join(folder, 'nginx.conf')
  const resting = new Set<number>()
  const isReady = async (node: string): Promise<boolean> => (await read(`http://${node}/ready`))?.status === 200
  while (!(await Promise.all(nodes.map(isReady))).every(Boolean)) {}
  writeFileSync(file, nginxConfiguration({ port, nodes }))
  const child: ChildProcess = spawn(nginx, ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  let hasEnded = false
  const ended = once(child, 'close').then(() => {
    hasEnded = true
  })

  async function ask(): Promise<void> {
    const ready = await Promise.all(nodes.map(isReady))
    ready.forEach((is, place) => {
      if (is !== resting.has(place)) return
      if (is) resting.delete(place)
      else resting.add(place)
      if (is) rmSync(join(folder, restFile(place)))
      else writeFileSync(join(folder, restFile(place)), '')
    })
  }

  let asking: Promise<void> | undefined
  /** One at a time: where answers take longer than the pause between questions, these must not pile up. */
  function askOnce(): Promise<void> {
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }
  const timer = setInterval(() => void askOnce(), askEveryMs)
  const url = `http://127.0.0.1:${port}`

  return {
    url,
    async sends(node) {
      do {
        if (hasEnded) throw new Error(`nginx has ended. Is port ${port} in use?`)
        // What is being asked already may have begun before.
        await asking
        await askOnce()
      } while (resting.has(nodes.indexOf(node)) || (await read(`${url}/jwks`))?.status !== 200)
    },
    async close() {
      clearInterval(timer)
      await asking
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true })
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
