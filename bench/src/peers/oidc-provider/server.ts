import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { thumbprint } from '../../load/proofs.ts'
import type { Chain } from '../../load/task.ts'
import { memoryAdapters } from './memory-adapter.ts'
import { sqliteAdapters } from './sqlite-adapter.ts'

/** Given as JSON in the first argument. `dpop`: families bound to a key each, proofs checked, replays remembered. */
export interface PeerTask {
  readonly store: 'memory' | 'sqlite-full' | 'sqlite-normal'
  readonly dpop: boolean
  readonly logins: number
  readonly folder: string
}

const task = JSON.parse(process.argv[2] ?? '') as PeerTask
const api = 'https://api.example/'
const scope = 'account'

const sqlite = task.store === 'memory' ? undefined : sqliteAdapters(join(task.folder, 'oidc-provider.db'))
const server = createServer()
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const provider = new Provider(issuer, {
  adapter: sqlite?.Adapter ?? memoryAdapters(),
  clients: [
    {
      client_id: 'demo',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://app.example/callback'],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  cookies: { keys: ['only-the-interaction-cookies-are-signed-with-it'] },
  features: {
    devInteractions: { enabled: false },
    dPoP: { enabled: task.dpop },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => api,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope,
        audience: api,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 900,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  jwks: { keys: [{ ...signingKey, alg: 'ES256', use: 'sig', kid: 'peer' }] },
  rotateRefreshToken: true,
  ttl: { AccessToken: 900, Grant: 180 * 86400, RefreshToken: 30 * 86400, Session: 180 * 86400 },
})
const chains = await seed()
sqlite?.synchronous(task.store === 'sqlite-full' ? 'FULL' : 'NORMAL')
const chainsFile = join(task.folder, 'chains.json')
writeFileSync(chainsFile, JSON.stringify(chains))
server.on('request', provider.callback())
process.stdout.write(`${JSON.stringify({ url: `${issuer}/token`, chainsFile, clientId: 'demo' })}\n`)

/** Logins made through the provider's own models, as its authorization code grant would leave them. */
async function seed(): Promise<Chain[]> {
  const client = await provider.Client.find('demo')
  if (!client) throw new Error('the client is missing')
  const made: Chain[] = []
  for (let n = 0; n < task.logins; n++) {
    const accountId = `user-${n}`
    const grant = new provider.Grant({ accountId, clientId: 'demo' })
    grant.addResourceScope(api, scope)
    const grantId = await grant.save()
    const key = task.dpop
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
      : undefined
    const token = new provider.RefreshToken({
      accountId,
      client,
      grantId,
      gty: 'authorization_code',
      resource: api,
      scope,
      expiresWithSession: false,
      ...(key ? { jkt: thumbprint(key) } : {}),
    } as ConstructorParameters<typeof provider.RefreshToken>[0])
    made.push({ refreshToken: await token.save(), ...(key ? { key } : {}) })
  }
  return made
}
