import { createPublicKey, generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FeedEntry, FeedPage } from '@countersign/protocol'

/** What a measuring process needs to mint tokens and to find the issuer. */
export interface IssuerFacts {
  readonly issuer: string
  readonly audience: string
  readonly signingKey: JsonWebKey
  readonly kid: string
}

export interface BenchIssuer {
  readonly facts: IssuerFacts
  readonly close: () => void
}

/** Metadata, keys, and a feed with so many live entries and a heartbeat every second: what a verifier lives on. */
export async function startIssuer(liveEntries: number): Promise<BenchIssuer> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = randomBytes(8).toString('hex')
  const jwk = { ...createPublicKey(privateKey).export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid }
  const entries: FeedEntry[] = Array.from({ length: liveEntries }, () => ({
    kind: 'session',
    id: randomBytes(16).toString('base64url'),
    until: Date.now() / 1000 + 3600,
  }))
  const server = createServer((request, response) => {
    const issuer = `http://${request.headers.host}`
    const json = (body: object): void => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(body))
    }
    if (request.url?.startsWith('/.well-known/')) json({ issuer, jwks_uri: `${issuer}/jwks` })
    else if (request.url === '/jwks') json({ keys: [jwk] })
    else if (request.url?.startsWith('/revocations')) {
      response.setHeader('content-type', 'text/event-stream')
      const send = (event: string, some: readonly FeedEntry[]): void => {
        const page: FeedPage = { position: '1.1', as_of: Date.now() / 1000, entries: some }
        response.write(`id: 1.1\nevent: ${event}\ndata: ${JSON.stringify(page)}\n\n`)
      }
      send('snapshot', entries)
      const beat = setInterval(() => send('heartbeat', []), 1000)
      response.on('close', () => clearInterval(beat))
    } else {
      response.statusCode = 404
      response.end()
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const facts = { issuer, audience: 'https://api.example/', signingKey: privateKey.export({ format: 'jwk' }), kid }
  return {
    facts,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
