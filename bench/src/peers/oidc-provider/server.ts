import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { thumbprint } from '../../load/proofs.ts'
import type { Chain } from '../../load/task.ts'
import { memoryAdapters } from './memory-adapter.ts'
import { type PeerReady, type PeerTask, redirectUri } from './server-task.ts'
import { sqliteAdapters } from './sqlite-adapter.ts'

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
      redirect_uris: [redirectUri],
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
  // Ours gives a refresh token with every login too.
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: 900,
    AuthorizationCode: 3600,
    Grant: 180 * 86400,
    RefreshToken: 30 * 86400,
    Session: 180 * 86400,
  },
})
const seedFile = join(task.folder, 'seed.json')
writeFileSync(seedFile, JSON.stringify(await seed()))
sqlite?.synchronous(task.store === 'sqlite-full' ? 'FULL' : 'NORMAL')
server.on('request', provider.callback())
const ready: PeerReady = { url: `${issuer}/token`, seedFile, clientId: 'demo' }
process.stdout.write(`${JSON.stringify(ready)}\n`)

/** Logins made through the provider's own models, as its authorization code grant would leave them. */
async function seed(): Promise<(Chain | string)[]> {
  const client = await provider.Client.find('demo')
  if (!client) throw new Error('the client is missing')
  const made: (Chain | string)[] = []
  for (let n = 0; n < task.logins; n++) {
    const accountId = `user-${n}`
    const grant = new provider.Grant({ accountId, clientId: 'demo' })
    grant.addResourceScope(api, scope)
    const grantId = await grant.save()
    if (task.seed === 'codes') {
      const code = new provider.AuthorizationCode({
        accountId,
        client,
        grantId,
        redirectUri,
        resource: api,
        scope,
      } as ConstructorParameters<typeof provider.AuthorizationCode>[0])
      made.push(await code.save())
      continue
    }
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
