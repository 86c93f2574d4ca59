import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A relying party's back-channel logout endpoint, on a real socket. */
export interface LogoutReceiver {
  readonly url: string
  /** The logout tokens that came in. */
  readonly tokens: readonly string[]
  /** How it answers from now on. By default 200. */
  answersWith(status: number, headers?: Readonly<Record<string, string>>): void
  /** From now on it does not answer, until `answersWith`. */
  hangs(): void
  close(): Promise<void>
}

export async function logoutReceiver(): Promise<LogoutReceiver> {
  const tokens: string[] = []
  let answer: { status: number; headers: Readonly<Record<string, string>> } | undefined = { status: 200, headers: {} }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded'
      const token = isForm && request.method === 'POST' ? new URLSearchParams(body).get('logout_token') : null
      tokens.push(token ?? '')
      if (answer) response.writeHead(answer.status, answer.headers).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/backchannel`,
    tokens,
    answersWith(status, headers = {}) {
      answer = { status, headers }
    },
    hangs() {
      answer = undefined
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
