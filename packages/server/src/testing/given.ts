import type { Connection } from '@countersign/connections'
import {
  type Client,
  createPersonalSeal,
  declareClient,
  defaultKeyPolicy,
  hashClientSecret,
  type Instant,
} from '@countersign/core'
import { createMemoryStore, type Store, type StoredAuditRow, type StoreOptions } from '@countersign/store'
import type { FastifyInstance } from 'fastify'
import type { AddClaims } from '../claims/claims-teller.ts'
import { type CountersignServer, createServer } from '../create-server.ts'
import type { Every } from '../every.ts'
import type { Log } from '../log.ts'
import type { MailTransport } from '../mail/transport.ts'
import type { Observer } from '../observation/observer.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { createPasswordHasher, type PasswordHasher } from '../passwords/password-hasher.ts'
import { pooledRandomBytes } from '../pooled-random.ts'
import type { RefreshEvent, ServerConfig } from '../services.ts'
import { type ProofKey, proofKey } from './proof-key.ts'

/*
 * A real server on a store in memory, with a clock that stands still until a test moves it. No sockets: requests go
 * through `inject`, or to `listen` where headers, limits and streams are tried.
 */

export const issuer = 'https://login.example'
export const startTime: Instant = Date.UTC(2026, 10, 2, 9)
export const password = 'correct horse battery'
export const secrets = {
  api: 'api-secret-0123456789abcdef0123456789',
  web: 'web-secret-0123456789abcdef0123456789',
  orders: 'orders-secret-0123456789abcdef0123456',
}
export const redirectUri = 'https://app.example/callback'

const app = {
  firstParty: true,
  directLogin: true,
  redirectUris: [redirectUri, 'http://127.0.0.1/callback'],
  scopes: ['account', 'notes'],
  defaultScopes: ['account', 'notes'],
  audiences: ['https://api.example'],
}

/** What a server of the tests knows. `app` binds its access tokens, `bearer-app` only its refresh tokens. */
export const sampleClients: readonly Client[] = [
  declareClient({ ...app, id: 'app', name: 'The app' }),
  declareClient({ ...app, id: 'bearer-app', accessTokenBinding: 'bearer' }),
  declareClient({ ...app, id: 'hosted-app', directLogin: false, redirectUris: ['https://hosted.example/callback'] }),
  declareClient({ ...app, id: 'stranger', firstParty: false, redirectUris: ['https://stranger.example/callback'] }),
  declareClient({
    ...app,
    id: 'web',
    directLogin: false,
    secretHashes: [hashClientSecret(secrets.web)],
    redirectUris: ['https://web.example/callback?from=countersign'],
  }),
  declareClient({
    ...app,
    id: 'tv',
    name: 'Orchard TV',
    firstParty: false,
    directLogin: false,
    redirectUris: [],
    grantTypes: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    audiences: ['https://api.example', 'https://media.example'],
  }),
  // An API that calls another on behalf of whoever called it.
  declareClient({
    id: 'orders',
    secretHashes: [hashClientSecret(secrets.orders)],
    grantTypes: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    scopes: ['notes', 'introspection', 'revocations', 'tokens:exchange', 'tokens:impersonate'],
    defaultScopes: ['notes'],
    audiences: ['https://stock.example', 'https://api.example'],
    serves: ['https://api.example'],
    accessTokenBinding: 'bearer',
  }),
  declareClient({
    id: 'api',
    secretHashes: [hashClientSecret(secrets.api)],
    grantTypes: ['client_credentials'],
    scopes: ['introspection', 'revocations', 'sessions:manage', 'account'],
  }),
]

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly text: string
}

/** A node and the hands of a test on it. */
export interface GivenServer {
  readonly server: CountersignServer
  readonly http: FastifyInstance
  readonly store: Store
  readonly log: readonly LogLine[]
  readonly refreshes: readonly RefreshEvent[]
  now(): Instant
  /** Time passes, and the jobs that hang on it run. */
  later(seconds: number): Promise<void>
  /** Time passes, and nothing else happens. */
  setClock(time: Instant): void
  audit(): Promise<readonly StoredAuditRow[]>
  /** The events of the audit log from a row on. */
  auditedSince(number: number): Promise<string[]>
  /** A key whose proofs carry the server's time. */
  key(): ProofKey
}

export interface GivenOptions {
  readonly clients?: readonly Client[]
  readonly clientsAreComplete?: boolean
  readonly clientsVersion?: number
  readonly config?: Partial<ServerConfig>
  readonly openStore?: (options: StoreOptions) => Promise<Store>
  /** False where another server has opened it. */
  readonly closesStore?: boolean
  /** Put in front of the store that the server gets. */
  readonly wrapStore?: (store: Store) => Store
  readonly wrapHasher?: (hasher: PasswordHasher) => PasswordHasher
  readonly master?: Buffer
  readonly connections?: readonly Connection[]
  readonly addClaims?: AddClaims
  /** By default a time that no clock shows: of a server that deals with others it must be today’s. */
  readonly time?: Instant
  /** What answers where clients have named an address. */
  readonly outbound?: Outbound
  readonly mail?: MailTransport
  readonly every?: Every
  readonly observer?: Observer
  readonly isForCommands?: boolean
}

export const sampleMaster: Buffer = Buffer.alloc(32, 9)

const opened: (() => Promise<void>)[] = []

/** For `afterEach`: closes what the test opened. */
export async function closeGiven(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close()
}

export const sampleConfig: ServerConfig = {
  issuer,
  applicationName: 'Sample',
  signUp: 'open',
  scopeDescriptions: { notes: 'Read and write your notes' },
  trustedProxies: [],
  keyPolicy: defaultKeyPolicy,
  apiLifetimes: new Map(),
  keepEndedSeconds: 7 * 86_400,
}

async function server(options: GivenOptions = {}): Promise<GivenServer> {
  let time = options.time ?? startTime
  const clock = (): Instant => time
  const store = await (options.openStore ?? (async one => createMemoryStore(one)))({
    clock,
    sealPersonal: createPersonalSeal(options.master ?? sampleMaster, pooledRandomBytes).seal,
    seed: { incarnation: 'a1' },
  })
  const log: LogLine[] = []
  const refreshes: RefreshEvent[] = []
  const fast = createPasswordHasher({
    random: pooledRandomBytes,
    parameters: { memoryKib: 64, passes: 1, lanes: 1 },
    maxQueue: 1_000,
  })
  const made = await createServer({
    config: { ...sampleConfig, ...options.config },
    store: options.wrapStore?.(store) ?? store,
    master: options.master ?? sampleMaster,
    clients: options.clients ?? sampleClients,
    clientsAreComplete: options.clientsAreComplete ?? false,
    ...(options.clientsVersion !== undefined && { clientsVersion: options.clientsVersion }),
    log: recordingLog(log),
    clock,
    connections: options.connections ?? [],
    ...(options.addClaims && { addClaims: options.addClaims }),
    ...(options.outbound && { outbound: options.outbound }),
    ...(options.mail && { mail: options.mail }),
    ...(options.every && { every: options.every }),
    ...(options.observer && { observer: options.observer }),
    isForCommands: options.isForCommands ?? false,
    passwords: options.wrapHasher?.(fast) ?? fast,
    onRefresh: event => void refreshes.push(event),
  })
  opened.push(async () => {
    await made.close()
    if (options.closesStore !== false) await store.close()
  })
  // A proof made before the node started, or in the same second, would need a nonce.
  time += 1_000
  return {
    server: made,
    http: made.http,
    store,
    log,
    refreshes,
    now: clock,
    async later(seconds) {
      time += seconds * 1000
      await made.services.keys.turn()
    },
    setClock(wanted) {
      time = wanted
    },
    audit: () => store.readAudit(0, 10_000),
    auditedSince: async number => (await store.readAudit(number, 10_000)).map(({ record }) => record.event),
    key: () => proofKey(clock),
  }
}

function recordingLog(lines: LogLine[]): Log {
  const write =
    (level: LogLine['level']) =>
    (facts: Readonly<Record<string, unknown>>, text: string): void =>
      void lines.push({ level, text: `${text} ${JSON.stringify(facts)}` })
  return { info: write('info'), warn: write('warn'), error: write('error') }
}

export const given: { server(options?: GivenOptions): Promise<GivenServer> } = { server }
