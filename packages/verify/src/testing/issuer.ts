import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FeedEntry, FeedEvent } from '@countersign/protocol'
import { makeSigner, type Signer } from './signer.ts'

/** An issuer on loopback: metadata, keys, feed and introspection, each of which can be made to fail. */
export interface TestIssuer {
  readonly url: string
  signer: Signer
  /** What the key set holds. */
  jwks: unknown
  jwksHeaders: Record<string, string>
  /** Set to answer instead of the real thing, by path. */
  readonly broken: Map<string, (response: ServerResponse) => void>
  /** Paths asked for, in order. */
  readonly asked: string[]
  /** Headers of the requests to the feed. */
  readonly feedRequests: IncomingMessage['headers'][]
  /** Resolves when the number of requests to a path has been reached. */
  askedTimes(path: string, times: number): Promise<void>
  /** Sends an event to whoever follows the feed. */
  send(event: FeedEvent, entries?: readonly FeedEntry[], position?: string): void
  sendText(text: string): void
  cutFeed(): void
  /** What a new follower gets first. */
  onFollow: (request: IncomingMessage, send: TestIssuer['send']) => void
  introspect: (form: URLSearchParams, request: IncomingMessage) => unknown
  asOf: () => number
  close(): Promise<void>
}

export async function startIssuer(asOf: () => number = () => Date.now() / 1000): Promise<TestIssuer> {
  const signer = makeSigner('ES256', 'key-1')
  const followers = new Set<ServerResponse>()
  const waiting: { path: string; times: number; done: () => void }[] = []
  let position = 0

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://issuer').pathname
    issuer.asked.push(path)
    for (const wait of waiting) {
      if (issuer.asked.filter(asked => asked === wait.path).length >= wait.times) wait.done()
    }
    const broken = issuer.broken.get(path)
    if (broken !== undefined) return broken(response)
    if (path === '/.well-known/openid-configuration') {
      return answer(response, {
        issuer: issuer.url,
        jwks_uri: `${issuer.url}/jwks`,
        introspection_endpoint: `${issuer.url}/introspect`,
      })
    }
    if (path === '/jwks') return answer(response, issuer.jwks, issuer.jwksHeaders)
    if (path === '/revocations') return follow(request, response)
    if (path === '/introspect')
      return void readForm(request).then(form => answer(response, issuer.introspect(form, request)))
    response.writeHead(404).end()
  })

  function follow(request: IncomingMessage, response: ServerResponse): void {
    issuer.feedRequests.push(request.headers)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    followers.add(response)
    response.on('close', () => followers.delete(response))
    issuer.onFollow(request, issuer.send)
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer: TestIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    signer,
    jwks: { keys: [signer.jwk] },
    jwksHeaders: {},
    broken: new Map(),
    asked: [],
    feedRequests: [],
    askedTimes: (path, times) =>
      new Promise(done => {
        if (issuer.asked.filter(asked => asked === path).length >= times) done()
        else waiting.push({ path, times, done })
      }),
    send(event, entries = [], place = `life.${++position}`) {
      const page = JSON.stringify({ position: place, as_of: issuer.asOf(), entries })
      issuer.sendText(`id: ${place}\nevent: ${event}\ndata: ${page}\n\n`)
    },
    sendText(text) {
      for (const follower of followers) follower.write(text)
    },
    cutFeed() {
      for (const follower of followers) follower.end()
    },
    onFollow: (_request, send) => send('snapshot'),
    introspect: () => ({ active: true }),
    asOf,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return issuer
}

function answer(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}
