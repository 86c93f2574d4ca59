import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { providerConfiguration } from '@countersign/bench/oidc-provider/configuration'
import { makeRefreshToken } from '@countersign/bench/oidc-provider/logins'
import Provider from 'oidc-provider'
import { adapters } from './adapter.ts'

const server = createServer()
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const provider = new Provider(issuer, providerConfiguration(adapters(), signingKey))
const answer = provider.callback()

/** Logins are made through the provider's own models, as its authorization code grant would leave them. */
server.on('request', (request, response) => {
  if (request.url?.startsWith('/log-in?') !== true) return void answer(request, response)
  const thumbprint = new URL(request.url, issuer).searchParams.get('thumbprint') || undefined
  void makeRefreshToken(provider, `user ${++users}`, thumbprint).then(token => response.end(token))
})
process.stdout.write(`${issuer}\n`)

let users = 0
