import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { adapters } from './adapter.ts'
import { api, configurationOf, scope } from './configuration.ts'

const server = createServer()
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const provider = new Provider(issuer, configurationOf(adapters(), signingKey))
const answer = provider.callback()

/** Logins are made through the provider's own models, as its authorization code grant would leave them. */
server.on('request', (request, response) => {
  if (request.url?.startsWith('/log-in?') !== true) return void answer(request, response)
  const thumbprint = new URL(request.url, issuer).searchParams.get('thumbprint')
  void logIn(`user ${++users}`, thumbprint).then(token => response.end(token))
})
process.stdout.write(`${issuer}\n`)

let users = 0

async function logIn(accountId: string, thumbprint: string | null): Promise<string> {
  const client = await provider.Client.find('app')
  if (!client) throw new Error('the client is missing')
  const grant = new provider.Grant({ accountId, clientId: 'app' })
  grant.addResourceScope(api, scope)
  const grantId = await grant.save()
  const token = new provider.RefreshToken({
    accountId,
    client,
    grantId,
    gty: 'authorization_code',
    resource: api,
    scope,
    expiresWithSession: false,
    ...(thumbprint && { jkt: thumbprint }),
  } as ConstructorParameters<typeof provider.RefreshToken>[0])
  return token.save()
}
