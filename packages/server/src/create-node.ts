import type { Connection } from '@countersign/connections'
import {
  createPersonalSeal,
  deriveKey,
  type Instant,
  type MasterKey,
  type RandomBytes,
  redeemRefreshToken,
} from '@countersign/core'
import {
  type Counters,
  createMemoryCounters,
  type RingRegister,
  ringInRegister,
  ringInStore,
  type Store,
} from '@countersign/store'
import { type Admin, createAdmin } from './admin/admin.ts'
import { type AddClaims, createClaimsTeller } from './claims/claims-teller.ts'
import { tellChangedClaims } from './claims/tell-changed-claims.ts'
import { createClientDirectory } from './clients/client-directory.ts'
import { createClientKeys } from './clients/client-keys.ts'
import { createMetadataClients } from './clients/registration/metadata-clients.ts'
import { createConnectionBook } from './connections/connection-book.ts'
import { createVault } from './connections/vault.ts'
import { type Declarations, declare, judgeDeclarations } from './declarations.ts'
import { createProofChecker, type UseProofOnce } from './dpop/proof-checker.ts'
import { createDrain } from './drain.ts'
import { type Every, everyInterval } from './every.ts'
import { createFeedBroadcaster } from './feed/feed-broadcaster.ts'
import { nameHiddenLogins } from './feed/name-hidden-logins.ts'
import type { HostedServices } from './hosted/hosted-services.ts'
import { isLocalIssuer } from './http/client-address.ts'
import type { Route } from './http/route.ts'
import { createInvitationBook } from './invitations/invitation-book.ts'
import { startJobs } from './jobs/jobs.ts'
import { fittingPolicy } from './keys/fitting-policy.ts'
import { createKeyKeeper, type KeyKeeper, type KeyKeeperOptions } from './keys/key-keeper.ts'
import type { Log } from './log.ts'
import { createLogoutTeller, type LogoutTeller } from './logout/logout-teller.ts'
import type { MailLooks } from './mail/compose-mail.ts'
import { mailOfEvents } from './mail/mail-of-events.ts'
import { createMailSender, type MailSender } from './mail/mail-sender.ts'
import { createMailer } from './mail/mailer.ts'
import { tellOfMails } from './mail/tell-of-mails.ts'
import type { MailTransport } from './mail/transport.ts'
import { observeStore } from './observation/observe-store.ts'
import type { Observer } from './observation/observer.ts'
import { createOutbound, type Outbound } from './outbound/outbound.ts'
import type { Languages } from './pages/language/languages.ts'
import { createSite, type Site } from './pages/site.ts'
import { createLoginLimits } from './passwords/login-limits.ts'
import { createPasswordHasher, type PasswordHasher } from './passwords/password-hasher.ts'
import { usesPasswords } from './passwords/use-of-passwords.ts'
import { pooledRandomBytes } from './pooled-random.ts'
import { routes } from './routes.ts'
import type { JudgeRefresh, RefreshEvent, ServerConfig } from './services.ts'
import { createCookies } from './sign-in/cookies.ts'
import { createTurns } from './sign-in/turns.ts'

export interface NodeOptions extends Declarations {
  readonly store: Store
  /** Where the nodes agree on the keys, if not in the store alone. It stays open: it is the caller's. */
  readonly ringRegister?: RingRegister
  readonly master: MasterKey
  /**
   * Beside the nodes, or while none runs: nothing is declared, no job runs, and nobody is sent anything, which is left to the nodes. Whoever looks something up where an old
   * file lies must not make it the one that counts.
   */
  readonly isForCommands?: boolean
  /** Ways to sign in with others, in the order in which they are shown. */
  readonly connections?: readonly Connection[]
  /** Code that adds claims to tokens. */
  readonly addClaims?: AddClaims
  readonly log: Log
  readonly clock?: () => Instant
  /** Milliseconds that nobody sets. */
  readonly monotonic?: () => number
  readonly random?: RandomBytes
  readonly every?: Every
  /** Closed with the node. By default argon2id with today's parameters. */
  readonly passwords?: PasswordHasher
  /** How mails are sent; absent: none are, and what needs one is not offered. Closed with the node. */
  readonly mail?: MailTransport
  /** How addresses that clients name are called. By default for real, and within the rules of `outbound/`. */
  readonly outbound?: Outbound
  /** Counts attempts together with other nodes, besides by this node's own counters. */
  readonly shareCounters?: (own: Counters) => Counters
  /** Remembers used DPoP proofs among all nodes; absent: each node knows its own. */
  readonly useProofOnce?: UseProofOnce
  readonly judgeRefresh?: JudgeRefresh
  readonly onRefresh?: (event: RefreshEvent) => void
  readonly observer?: Observer
}

/** One node without its socket: everything that it answers, and the jobs that run beside. */
export interface ServerNode {
  readonly services: HostedServices
  readonly routes: readonly Route[]
  readonly admin: Admin
  readonly logouts: LogoutTeller
  readonly mails: MailSender | undefined
  /** Clients that this start has switched off, because the configuration does not name them any more. */
  readonly switchedOff: readonly string[]
  /** Stops the jobs and ends the feed's streams; resolves when clients that are being told of a logout have been. */
  stop(): Promise<void>
}

/** Puts a node together. Everything that it needs from outside is an argument. */
export async function createNode(options: NodeOptions): Promise<ServerNode> {
  const { config, master, log, clock = Date.now, random = pooledRandomBytes, every = everyInterval, observer } = options
  const pairwiseKey = deriveKey(master, 'pairwise subject 1')
  const observed = observer === undefined ? options.store : observeStore(options.store, observer)
  const claims = createClaimsTeller({ apiClaims: config.apiClaims ?? new Map(), addClaims: options.addClaims, log })
  let mails: MailSender | undefined
  const mailer = options.mail && createMailer({ master, random })
  const told = tellOfMails(tellChangedClaims(nameHiddenLogins(observed, pairwiseKey), claims), () => mails?.wake())
  const store = mailer ? mailOfEvents(told, mailer) : told
  const { issuer } = config
  const languages = judgeDeclarations(options)
  const switchedOff = options.isForCommands ? [] : await declare(store, options, log)
  const policy = await fittingPolicy(store, config, options.clients)
  const counters = (options.shareCounters ?? (own => own))(createMemoryCounters(clock))
  for (const { tag, missing } of languages.unfinished) {
    const texts = `${missing.length} texts of the pages stay English in the language ${tag}`
    log.warn({ language: tag, count: missing.length, first: missing.slice(0, 3) }, texts)
  }
  const outbound = options.outbound ?? createOutbound({ allowsLoopback: isLocalIssuer(issuer) })
  const services: HostedServices = {
    config,
    store,
    counters,
    clients: createClientDirectory(store, clock),
    clientKeys: createClientKeys(outbound, clock),
    clientFinder: createMetadataClients({ store, config, outbound, counters, clock }),
    invitations: createInvitationBook({ master, random }),
    outbound,
    keys: await openKeys(options, { store, policy, clock, random }),
    claims,
    ...connectionServices(options, random),
    ...(mailer && { mailer }),
    pairwiseKey,
    proofs: createProofChecker({
      issuer,
      nonceKey: deriveKey(master, 'dpop nonce 1'),
      clock,
      ...(options.useProofOnce && { useOnce: options.useProofOnce }),
    }),
    opaqueTokenKey: deriveKey(master, 'opaque access token 1'),
    userCodeKey: deriveKey(master, 'user code 1'),
    passwords: options.passwords ?? createPasswordHasher({ random }),
    loginLimits: createLoginLimits(counters),
    feed: createFeedBroadcaster(store, log, { every, onLook: observer?.feedLooked }),
    drain: createDrain(),
    log,
    clock,
    random,
    turns: createTurns(),
    judgeRefresh: options.judgeRefresh ?? redeemRefreshToken,
    onRefresh(event) {
      observer?.refreshDecided(event.row, event.reason)
      options.onRefresh?.(event)
    },
    cookies: createCookies({ issuer, store, cookieKey: deriveKey(master, 'cookie 1'), random }),
    languages,
    site: siteOf(config, languages),
  }
  const isNode = !options.isForCommands
  const stopJobs = isNode ? startJobs(services, every) : () => {}
  const logouts = isNode ? createLogoutTeller(services, every) : toldByNodes
  const { mail: transport } = options
  const looks = looksOf(services)
  if (isNode && mailer && transport) mails = createMailSender({ services, mailer, transport, looks, every })
  return {
    services,
    routes: routes(services),
    admin: createAdmin(services, createPersonalSeal(master, random)),
    logouts,
    mails,
    switchedOff,
    async stop() {
      stopJobs()
      services.keys.close()
      services.feed.close()
      await Promise.all([logouts.stop(), mails?.stop()])
    },
  }
}

const toldByNodes: LogoutTeller = { async look() {}, async stop() {} }

function looksOf({ site: { name, theme }, config }: HostedServices): MailLooks {
  return { name, theme, withoutPassword: !usesPasswords(config) }
}

function siteOf({ issuer, applicationName: name, theme = {}, logo }: ServerConfig, languages: Languages): Site {
  return createSite({ host: new URL(issuer).host, name, languages, theme, ...(logo && { logo }) })
}

function openKeys(
  { ringRegister: register, master, log, monotonic, isForCommands, config: { issuer } }: NodeOptions,
  { store, ...more }: Pick<KeyKeeperOptions, 'policy' | 'clock' | 'random'> & { store: Store },
): Promise<KeyKeeper> {
  const sealingKey = deriveKey(master, 'key ring outside 1')
  const place =
    register === undefined ? ringInStore(store) : ringInRegister({ register, store, sealingKey, random: more.random })
  const how = { ...(monotonic && { monotonic }), turnsAtOpening: !isForCommands }
  return createKeyKeeper({ ...more, ...how, place, master, issuer, log })
}

function connectionServices(
  { connections = [], config: { issuer }, master }: NodeOptions,
  random: RandomBytes,
): Pick<HostedServices, 'connections' | 'vault'> {
  return {
    connections: createConnectionBook({ connections, issuer, key: deriveKey(master, 'connection sign-in 1'), random }),
    vault: createVault(deriveKey(master, 'vault 1'), random),
  }
}
