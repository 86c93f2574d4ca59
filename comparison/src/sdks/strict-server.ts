import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createStrictIssuer, type StrictIssuer } from '@countersign/app/testing/strict-issuer'

/** How a server takes it when a refresh token comes twice. */
export const serverRules = {
  'single use': { grace: 0, minimumLife: 0, repeatsBound: false },
  'Countersign’s rule': {},
} as const

export type ServerRule = keyof typeof serverRules

export interface StrictServer {
  /** Also the site of the apps: a page with the script. */
  readonly origin: string
  /** Milliseconds by which its clock has moved. */
  readonly moved: () => number
  readonly counts: StrictIssuer['counts']
  /** So many answers of the token endpoint are lost from now on, after the server has done its work. */
  loseAnswers(count: number): void
  /** Milliseconds by which its clock, and everybody's, has moved. */
  advance(milliseconds: number): void
  close(): Promise<void>
}

/** One token server for all SDKs: strict, counting, and served with the page of `script`, so that everything is of one origin. */
export async function startStrictServer(rule: ServerRule, script: string): Promise<StrictServer> {
  let [moved, losing] = [0, 0]
  const server = createServer((request, response) => void respond(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer = createStrictIssuer({ issuer: origin, now: () => Date.now() + moved, ...serverRules[rule] })

  async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/'
    if (path === '/' || path === '/sdks.js') {
      outgoing.setHeader('content-type', path === '/' ? 'text/html' : 'text/javascript')
      outgoing.end(path === '/' ? '<!doctype html><title>App</title><script src="/sdks.js"></script>' : script)
      return
    }
    const body = Buffer.concat(await incoming.toArray()).toString()
    const answer = await answerTo(issuer, origin, { incoming, body })
    if (path.startsWith('/token') && losing > 0) {
      losing--
      incoming.socket.destroy()
      return
    }
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers))
    outgoing.end(await answer.text())
  }

  return {
    origin,
    counts: issuer.counts,
    moved: () => moved,
    loseAnswers(count) {
      losing = count
    },
    advance(milliseconds) {
      moved += milliseconds
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answerTo(
  issuer: StrictIssuer,
  origin: string,
  { incoming, body }: { incoming: IncomingMessage; body: string },
): Promise<Response> {
  const { method = 'GET', url = '/' } = incoming
  const headers = new Headers(
    Object.entries(incoming.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
  const request = (path: string, init: RequestInit): Promise<Response> =>
    issuer.respond(new Request(origin + path, init))
  const grant = new URL(url, origin).searchParams.get('grant_type')
  if (grant === null) return request(url, { method, headers, ...(method !== 'GET' && { body }) })
  // @supabase/auth-js has a token endpoint of its own making: JSON, and the user in the answer.
  const given = JSON.parse(body) as { email?: string; password?: string; refresh_token?: string }
  const answer =
    grant === 'password'
      ? await request('/v1/sessions', { method, body: JSON.stringify({ ...given, client_id: 'app' }) })
      : await request('/token', {
          method,
          body: new URLSearchParams({ grant_type: grant, client_id: 'app', refresh_token: given.refresh_token ?? '' }),
        })
  if (!answer.ok) return Response.json({ error_code: 'refresh_token_already_used', msg: 'refused' }, { status: 400 })
  const tokens = (await answer.json()) as object
  return Response.json({ ...tokens, token_type: 'bearer', user: { id: 'ada', email: 'ada@example.com' } })
}
