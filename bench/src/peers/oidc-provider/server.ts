import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { thumbprint } from '../../load/proofs.ts'
import type { Chain } from '../../load/task.ts'
import { pkce } from '../../workloads/pkce.ts'
import { providerConfiguration } from './configuration.ts'
import { makeAccessToken, makeBareCode, makeCode, makeRefreshToken, signIn } from './logins.ts'
import { memoryAdapters } from './memory-adapter.ts'
import { postgresAdapters } from './postgres-adapter.ts'
import type { PeerReady, PeerTask, Seed } from './server-task.ts'
import { sqliteAdapters } from './sqlite-adapter.ts'

const task = JSON.parse(process.argv[2] ?? '') as PeerTask

const isSqlite = task.store === 'sqlite-full' || task.store === 'sqlite-normal'
const sqlite = isSqlite ? sqliteAdapters(join(task.folder, 'oidc-provider.db')) : undefined
const postgres =
  task.databaseUrl === undefined
    ? undefined
    : await postgresAdapters(task.databaseUrl, task.store === 'postgres-off' ? 'off' : 'on')
const server = createServer()
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const usual = providerConfiguration(sqlite?.Adapter ?? postgres ?? memoryAdapters(), newKey())
const provider = new Provider(issuer, {
  ...usual,
  features: { ...usual.features, dPoP: { enabled: task.dpop } },
  // Every call rotates, as ours does here.
  rotateRefreshToken: true,
  // The codes that are made beforehand wait for their turn.
  ttl: { ...usual.ttl, AuthorizationCode: 3600 },
})

const seeds: Readonly<Record<Seed, (accountId: string) => Promise<readonly (Chain | string)[]>>> = {
  nothing: async () => [],
  'refresh tokens': async accountId => {
    const key = task.dpop ? newKey() : undefined
    const refreshToken = await makeRefreshToken(provider, accountId, key && thumbprint(key))
    return [{ refreshToken, ...(key && { key }) }]
  },
  'bare refresh tokens': async accountId => [await makeRefreshToken(provider, accountId)],
  'bare codes': async accountId => [await makeBareCode(provider, accountId)],
  cookies: async accountId => [(await signIn(provider, accountId)).cookie],
  codes: async accountId => {
    const login = await signIn(provider, accountId)
    return Promise.all(Array.from({ length: task.codes ?? 1 }, () => makeCode(provider, login, pkce.challenge)))
  },
  'access tokens': async accountId => [await makeAccessToken(provider, await signIn(provider, accountId))],
}

const rounds: (Chain | string)[][] = Array.from({ length: task.codes ?? 1 }, () => [])
for (let n = 0; n < task.logins; n++) {
  // First one of each login, then the next of each: nobody redeems several codes of one browser at once.
  for (const [round, one] of (await seeds[task.seed](`user-${n}`)).entries()) rounds[round]?.push(one)
}
const seedFile = join(task.folder, 'seed.json')
writeFileSync(seedFile, JSON.stringify(rounds.flat()))
sqlite?.synchronous(task.store === 'sqlite-full' ? 'FULL' : 'NORMAL')
server.on('request', provider.callback())
process.stdout.write(`${JSON.stringify({ issuer, seedFile } satisfies PeerReady)}\n`)
