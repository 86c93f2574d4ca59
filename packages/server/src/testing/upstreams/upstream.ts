import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/*
 * Small providers that answer as the real ones say they do, on loopback. What they have in common is here: codes, client authentication, PKCE, and what can
 * go wrong; each dialect is a file beside.
 */

export const client = { id: 'our-app', secret: 'the-secret-of-our-app' }

/** What is wrong with it for a while. */
export type Fault =
  | 'silent'
  | 'broken'
  | 'busy'
  | 'declines'
  | 'other_issuer'
  | 'other_key'
  | 'other_audience'
  | 'other_nonce'
  | 'other_subject'
  | 'iss_of_another'
  | 'no_iss'

export interface Upstream {
  readonly origin: string
  /** Who is signed in there, in its own words. */
  person: Record<string, unknown>
  fault: Fault | undefined
  /** Method and path of what it was asked, in order. */
  readonly asked: string[]
  /** All tokens that it has given out. */
  readonly given: string[]
  /** What a browser does that is sent there: signs in, and is sent back. The address that it is sent to. */
  visit(url: string): Promise<string>
  /** An access token, as an app gets one by itself; made for a client. */
  tokenFor(clientId: string): string
  /** All tokens are worth nothing from now on. */
  revokeAll(): void
}

/** What a dialect answers. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly url: URL
  readonly form: URLSearchParams
  readonly body: string
  readonly upstream: Upstream
  readonly state: UpstreamState
  readonly json: (status: number, body: unknown, headers?: Record<string, string>) => void
}

export interface UpstreamState {
  readonly codes: Map<string, URLSearchParams>
  /** Access token → the client that it was made for. */
  readonly tokens: Map<string, string>
}

export type Dialect = Readonly<Record<string, (exchange: Exchange) => void | Promise<void>>>

const opened: (() => Promise<void>)[] = []

/** For `afterEach`. */
export async function closeUpstreams(): Promise<void> {
  for (const close of opened.splice(0)) await close()
}

export async function startUpstream(
  dialect: Dialect,
  person: Record<string, unknown>,
  authorizePath: string,
): Promise<Upstream> {
  const state: UpstreamState = { codes: new Map(), tokens: new Map() }
  const server = createServer((request, response) => void respond(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const upstream: Upstream = {
    origin,
    person,
    fault: undefined,
    asked: [],
    given: [],
    async visit(url) {
      const answer = await fetch(url, { redirect: 'manual' })
      const location = answer.headers.get('location')
      if (location === null) throw new Error(`${answer.status} ${await answer.text()}`)
      return location
    },
    revokeAll: () => state.tokens.clear(),
    tokenFor(clientId) {
      const token = randomBytes(16).toString('hex')
      state.tokens.set(token, clientId)
      return token
    },
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    upstream.asked.push(`${request.method} ${url.pathname}`)
    const json: Exchange['json'] = (status, value, headers = {}) =>
      void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
    if (url.pathname === authorizePath) return authorize(url, response, state, upstream)
    if (upstream.fault === 'silent') return
    if (upstream.fault === 'broken') return void response.writeHead(500).end('<h1>Oops</h1>')
    if (upstream.fault === 'busy') return json(429, {}, { 'retry-after': '17' })
    const answer = dialect[url.pathname]
    if (answer === undefined) return json(404, { message: 'Not Found' })
    await answer({ request, url, form: new URLSearchParams(body), body, upstream, state, json })
  }
  return upstream
}

function authorize(url: URL, response: ServerResponse, state: UpstreamState, upstream: Upstream): void {
  const { searchParams } = url
  const back = new URL(searchParams.get('redirect_uri') ?? '')
  back.searchParams.set('state', searchParams.get('state') ?? '')
  if (upstream.fault === 'declines') back.searchParams.set('error', 'access_denied')
  else {
    const code = randomBytes(16).toString('hex')
    state.codes.set(code, searchParams)
    back.searchParams.set('code', code)
  }
  const iss = upstream.fault === 'iss_of_another' ? 'https://evil.example' : upstream.origin
  if (searchParams.has('nonce') && upstream.fault !== 'no_iss') back.searchParams.set('iss', iss)
  response.writeHead(302, { location: back.href }).end()
}

/** The request that a code stands for, once; `undefined`: refused. */
export function redeemCode({ request, form, state }: Exchange, method: 'basic' | 'post'): URLSearchParams | undefined {
  const asked = state.codes.get(form.get('code') ?? '')
  state.codes.delete(form.get('code') ?? '')
  const basic = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
  const isOurs =
    method === 'basic'
      ? request.headers.authorization === basic
      : form.get('client_id') === client.id && form.get('client_secret') === client.secret
  if (asked === undefined || !isOurs || asked.get('redirect_uri') !== form.get('redirect_uri')) return undefined
  const challenge = asked.get('code_challenge')
  const verifier = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  return challenge === null || challenge === verifier ? asked : undefined
}

export function giveToken({ upstream, state }: Exchange, clientId: string = client.id): string {
  const token = randomBytes(16).toString('hex')
  state.tokens.set(token, clientId)
  upstream.given.push(token)
  return token
}

/** Whose API is called: whoever presents a token of ours may. */
export function bearerOf({ request, url, state }: Exchange): string | undefined {
  const token =
    /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? url.searchParams.get('access_token') ?? undefined
  return token !== undefined && state.tokens.has(token) ? token : undefined
}
