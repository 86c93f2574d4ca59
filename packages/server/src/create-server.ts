import {
  type Client,
  deriveKey,
  type Instant,
  type KeyPolicy,
  type MasterKey,
  type RandomBytes,
} from '@countersign/core'
import { createMemoryCounters, type Store } from '@countersign/store'
import type { FastifyInstance } from 'fastify'
import { type Admin, createAdmin } from './admin/admin.ts'
import { createClientDirectory } from './clients/client-directory.ts'
import { declareClients } from './clients/declare-clients.ts'
import { createProofChecker } from './dpop/proof-checker.ts'
import { jwksMaxAgeSeconds } from './endpoints/discovery.ts'
import { createFeedBroadcaster } from './feed/feed-broadcaster.ts'
import type { HostedServices } from './hosted/hosted-services.ts'
import { createHttpServer } from './http/fastify-server.ts'
import { startJobs } from './jobs/jobs.ts'
import { createKeyKeeper } from './keys/key-keeper.ts'
import { createSite } from './pages/site.ts'
import { createLoginLimits } from './passwords/login-limits.ts'
import { createPasswordHasher, type PasswordHasher } from './passwords/password-hasher.ts'
import { pooledRandomBytes } from './pooled-random.ts'
import { routes } from './routes.ts'
import type { Log, RefreshEvent, ServerConfig } from './services.ts'
import { createCookies } from './sign-in/cookies.ts'

export interface ServerOptions {
  readonly config: ServerConfig
  readonly store: Store
  readonly master: MasterKey
  /** Stored if they are new or changed. */
  readonly clients: readonly Client[]
  readonly log: Log
  readonly clock?: () => Instant
  readonly random?: RandomBytes
  /** Closed with the server. By default argon2id with today's parameters. */
  readonly passwords?: PasswordHasher
  readonly onRefresh?: (event: RefreshEvent) => void
}

/** One node: an HTTP server over a store. */
export interface CountersignServer {
  readonly http: FastifyInstance
  readonly admin: Admin
  readonly services: HostedServices
  /** Starts to listen; resolves with the address. */
  listen(address: { host: string; port: number }): Promise<string>
  /** Answers what was begun, ends the feed's streams, stops the jobs. The store stays open: it is the caller's. */
  close(): Promise<void>
}

/** Puts a node together. Everything that it needs from outside is an argument. */
export async function createServer(options: ServerOptions): Promise<CountersignServer> {
  const { config, store, master, log, clock = Date.now, random = pooledRandomBytes, onRefresh = () => {} } = options
  const { issuer } = config
  await declareClients(store, options.clients)
  const policy = await fittingPolicy(store, config.keyPolicy, options.clients)
  const clients = createClientDirectory(store, clock)
  const counters = createMemoryCounters(clock)
  const services: HostedServices = {
    config,
    store,
    counters,
    clients,
    keys: await createKeyKeeper({ store, master, issuer, policy, clock, random, log }),
    proofs: createProofChecker({ issuer, nonceKey: deriveKey(master, 'dpop nonce 1'), clock }),
    passwords: options.passwords ?? createPasswordHasher({ random }),
    loginLimits: createLoginLimits(counters),
    feed: createFeedBroadcaster(store, log),
    log,
    clock,
    random,
    onRefresh,
    cookies: createCookies({ issuer, store, cookieKey: deriveKey(master, 'cookie 1'), random }),
    site: createSite({ host: new URL(issuer).host, name: config.applicationName }),
  }
  let draining = false
  const http = createHttpServer(routes(services), {
    trustedProxies: config.trustedProxies,
    isClientOrigin: clients.isClientOrigin,
    log,
    strictTransport: issuer.startsWith('https:'),
    isDraining: () => draining,
  })
  const jobs = startJobs(services)
  return {
    http,
    admin: createAdmin(services),
    services,
    listen: address => http.listen(address),
    async close() {
      draining = true
      jobs.stop()
      services.feed.close()
      await http.close()
      await services.passwords.close()
    },
  }
}

/** Clocks differ, and a token is accepted a little past its end. */
const tailMarginSeconds = 120

/** A key is kept until the longest thing that it made is past, whatever the policy says: nobody is logged out by a rotation. */
async function fittingPolicy(store: Store, policy: KeyPolicy, clients: readonly Client[]): Promise<KeyPolicy> {
  const { issuer } = await store.loadIssuer()
  const longestLogin = Math.max(0, ...clients.map(client => client.lifetimes.absoluteSeconds))
  return {
    ...policy,
    publishAheadSeconds: Math.max(policy.publishAheadSeconds, jwksMaxAgeSeconds),
    signingTailSeconds: Math.max(policy.signingTailSeconds, issuer.longestAccessTokenSeconds + tailMarginSeconds),
    refreshTailSeconds: Math.max(policy.refreshTailSeconds, longestLogin + tailMarginSeconds),
  }
}
