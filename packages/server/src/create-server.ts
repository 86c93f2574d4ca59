import { type Client, deriveKey, type Instant, type MasterKey, type RandomBytes } from '@countersign/core'
import { createMemoryCounters, type Store } from '@countersign/store'
import type { FastifyInstance } from 'fastify'
import { type Admin, createAdmin } from './admin/admin.ts'
import { createClientDirectory } from './clients/client-directory.ts'
import { declareClients } from './clients/declare-clients.ts'
import { createProofChecker } from './dpop/proof-checker.ts'
import { createFeedBroadcaster } from './feed/feed-broadcaster.ts'
import type { HostedServices } from './hosted/hosted-services.ts'
import { createHttpServer } from './http/fastify-server.ts'
import { startJobs } from './jobs/jobs.ts'
import { createKeyKeeper } from './keys/key-keeper.ts'
import { createSite } from './pages/site.ts'
import { createLoginLimits } from './passwords/login-limits.ts'
import { createPasswordHasher } from './passwords/password-hasher.ts'
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
  const clients = createClientDirectory(store, clock)
  const counters = createMemoryCounters(clock)
  const services: HostedServices = {
    config,
    store,
    counters,
    clients,
    keys: await createKeyKeeper({ store, master, issuer, policy: config.keyPolicy, clock, random, log }),
    proofs: createProofChecker({ issuer, nonceKey: deriveKey(master, 'dpop nonce 1'), clock }),
    passwords: createPasswordHasher({ random }),
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
