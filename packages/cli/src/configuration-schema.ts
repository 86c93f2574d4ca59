import { type WrittenConnection, writtenConnection } from '@countersign/connections/settings'
import {
  type ClaimsMap,
  defaultKeyPolicy,
  emailKey,
  invitationSeconds,
  type SigningAlgorithm,
  signingAlgorithms,
} from '@countersign/core'
import { claimsMap, closedRegistration, type WrittenClient, writtenClient } from '@countersign/server'
import * as z from 'zod'
import { isKeyRingUrl } from './open-key-ring.ts'

/*
 * The keys of `countersign.json`: what is allowed, and what holds if nothing is said. For people the same stands in
 * docs/configuration.md, and a test keeps the two together.
 */

const seconds = (least: number, most: number) => z.int().min(least).max(most)

const api = z.strictObject({
  audience: z.string().min(1).max(200),
  access_token_seconds: seconds(1, 86_400).optional(),
  access_token_format: z.enum(['jwt', 'opaque']).optional(),
  access_token_algorithm: z.enum(['ES256', 'HS256']).optional(),
  claims: claimsMap.optional(),
})

/** One entry of `apis`, as it is written in the file. */
export interface WrittenApi {
  readonly audience: string
  readonly access_token_seconds?: number | undefined
  readonly access_token_format?: 'jwt' | 'opaque' | undefined
  readonly access_token_algorithm?: 'ES256' | 'HS256' | undefined
  readonly claims?: ClaimsMap | undefined
}

const color = z.string().regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as #0e6b5c')
const schemeColors = z.strictObject({
  accent: color.optional(),
  ground: color.optional(),
  surface: color.optional(),
  text: color.optional(),
})

const theme = z.strictObject({
  accent: color.optional(),
  light: schemeColors.optional(),
  dark: schemeColors.optional(),
  schemes: z.enum(['both', 'light', 'dark']).optional(),
  radius_pixels: z.int().min(0).max(32).optional(),
  font: z.string().min(1).max(300).optional(),
  logo: z.string().min(1).optional(),
  logo_dark: z.string().min(1).optional(),
})

/** Colours of one scheme, as they are written in the file. */
export interface WrittenSchemeColors {
  readonly accent?: string | undefined
  readonly ground?: string | undefined
  readonly surface?: string | undefined
  readonly text?: string | undefined
}

/** `theme`, as it is written in the file. */
export interface WrittenTheme {
  readonly accent?: string | undefined
  readonly light?: WrittenSchemeColors | undefined
  readonly dark?: WrittenSchemeColors | undefined
  readonly schemes?: 'both' | 'light' | 'dark' | undefined
  readonly radius_pixels?: number | undefined
  readonly font?: string | undefined
  readonly logo?: string | undefined
  readonly logo_dark?: string | undefined
}

/** The keys of the theme. */
export const themeKeys: readonly string[] = Object.keys(theme.shape)

/** The keys of an API. */
export const apiKeys: readonly string[] = Object.keys(api.shape)

/** An origin: what stands in every token, to the letter (RFC 8414 §2). */
const issuer = z
  .url({ protocol: /^https?$/, error: 'must be a URL such as https://login.example.com' })
  .check(context => {
    const say = (message: string): void => void context.issues.push({ code: 'custom', message, input: context.value })
    const url = URL.parse(context.value)
    if (url === null) return
    if (context.value === `${url.origin}/`) say(`remove the slash at the end: ${url.origin}`)
    else if (context.value !== url.origin) say('must be an origin without a path')
  })

/** Host, port, and who signs in there; nothing else is read from it. */
function isSmtpUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === '') return false
  return url.search === '' && url.hash === '' && (url.pathname === '' || url.pathname === '/')
}

/** Never shown: it may hold a password. */
const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\/[^\s]+$/, 'must be a URL such as postgres://user@host:5432/database')

/** A token that reaches two APIs has each claim once. */
function meansOneThing(apis: readonly WrittenApi[]): boolean {
  const sources = new Map<string, string>()
  const named = apis.flatMap(({ claims = {} }) => Object.entries(claims))
  return named.every(([claim, source]) => {
    if (!sources.has(claim)) sources.set(claim, source)
    return sources.get(claim) === source
  })
}

/** Never shown: it may hold a password. */
const keyRingUrl = z
  .string()
  .refine(
    isKeyRingUrl,
    'must be a URL such as zookeeper://host:2181,host2:2181/path, etcd://host:2379/path or redis://host:6379/path',
  )

/** What its driver would throw of, with a stack. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

const valkeyUrl = z
  .string()
  .refine(
    text => /^rediss?:$/.test(URL.parse(text)?.protocol ?? '') && URL.parse(text)?.hostname !== '' && isDecodable(text),
    'must be a URL such as redis://:password@host:6379, or rediss:// over TLS',
  )

const plainConfiguration = z.strictObject({
  port: z.int().min(0).max(65_535).default(4400),
  host: z.string().default('127.0.0.1'),
  data: z.string().min(1).default('data'),
  /** PostgreSQL; absent: everything is in the data folder. */
  database: databaseUrl.optional(),
  /** A direct connection, past any pooler, on which entries of the feed are heard of; `off`: by looking alone. */
  database_listen: z.union([z.literal('off'), databaseUrl], 'must be "off", or a URL such as postgres://…').optional(),
  database_connections: z.int().min(2).max(1000).default(10),
  database_named_statements: z.boolean().default(true),
  /** ZooKeeper, etcd, Valkey or Redis; absent: the nodes agree on the keys in the store. */
  key_ring: keyRingUrl.optional(),
  /** Valkey or Redis, the fast lane between nodes; absent: they find each other by the database alone. */
  valkey: valkeyUrl.optional(),
  /** How long a statement, or a connection to become free, is waited for; then it is 503. */
  database_patience_seconds: z.int().min(1).max(60).default(5),
  /** Defaults to `http://127.0.0.1:PORT`. */
  issuer: issuer.optional(),
  application_name: z.string().min(1).max(60).default('Countersign'),
  /** Looks of the hosted pages. */
  theme: theme.default({}),
  /** In which languages they can be had; absent: all that there are. */
  languages: z.array(z.string()).min(1).max(100).optional(),
  /** Files with the words of further languages, or with other words for one that there is. */
  language_files: z.array(z.string().min(1)).max(100).default([]),
  sign_up: z.enum(['open', 'invitation', 'closed']).default('closed'),
  /** How long an invitation can be accepted, if whoever makes it does not say. */
  invitation_days: z
    .number()
    .min(0.01)
    .max(365)
    .default(invitationSeconds.byDefault / 86_400),
  /** Whether people sign in by password; `off`: by connections alone. */
  passwords: z.enum(['on', 'off']).default('on'),
  /** The mail server; absent: no mails are sent, and what needs one is not offered. May hold a password: never shown. */
  smtp_url: z
    .string()
    .refine(isSmtpUrl, 'must be a URL such as smtp://user:password@host:587 or smtps://user:password@host:465')
    .optional(),
  /** Who mails are from: an address. The name beside it is that of the application. */
  mail_from: z
    .string()
    .refine(text => emailKey(text) !== null, 'must be an e-mail address')
    .optional(),
  /** Whether errors at /authorize go to the addresses of strangers without a page in between. */
  error_redirects: z.enum(['known', 'all']).default('known'),
  /** What scopes mean, for the users who are asked to allow them. */
  scope_descriptions: z
    .record(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/), z.string().min(1).max(200))
    .default({}),
  trusted_proxies: z.array(z.union([z.ipv4(), z.ipv6()], 'must be an IP address')).default([]),
  signing_key_days: z
    .number()
    .min(0.01)
    .max(3650)
    .default(defaultKeyPolicy.rotationSeconds / 86_400),
  /** What there are keys for from the start, besides what the clients named here want. */
  signing_algorithms: z.array(z.enum(signingAlgorithms)).default([]),
  /** How long a stop waits for requests that were begun. */
  drain_seconds: seconds(0, 600).default(10),
  /** How long before a stop by SIGTERM `/ready` is 503 and everything else answered as ever. Absent: 2 with a database, else 0. */
  drain_notice_seconds: seconds(0, 600).optional(),
  /** Metrics for Prometheus, on loopback alone; absent: none are taken. */
  metrics_port: z.int().min(0).max(65_535).optional(),
  /** Where revocations are written besides the store, apart from its backups; absent: nowhere. */
  revocation_journal: z.string().min(1).optional(),
  /** Prints the master key: for a key service. No shell; a program and its arguments. */
  master_key_command: z.array(z.string()).min(1).max(50).optional(),
  /** Allows a minimum life of unbound refresh tokens below twice the grace: for benchmarks and tests alone. */
  unsafe_refresh_policy: z.boolean().default(false),
  /** The version of what tokens tell of users: raised when its meaning changes. */
  claims_version: z.int().min(1).max(1_000_000).default(1),
  clients: z.array(writtenClient).default([]),
  /** Who may register clients (RFC 7591). */
  registration: z.enum(['closed', 'token', 'open']).default('closed'),
  registration_tokens: z.array(z.string().min(32, 'must have at least 32 characters').max(200)).max(50).default([]),
  client_id_metadata_documents: z.boolean().default(false),
  registration_scopes: z.array(z.string()).default([...closedRegistration.scopes]),
  registration_audiences: z.array(z.string()).default([]),
  registrations_per_hour: z.int().min(1).max(1_000_000).default(closedRegistration.perHour),
  registered_clients_at_most: z.int().min(1).max(10_000_000).default(closedRegistration.clientsAtMost),
  unused_registration_days: z
    .number()
    .min(0.01)
    .max(3650)
    .default(closedRegistration.unusedSeconds / 86_400),
  /** Ways to sign in with others. */
  connections: z
    .array(writtenConnection)
    .max(50)
    .refine(all => new Set(all.map(({ name }) => name)).size === all.length, 'must name each connection once')
    .default([]),
  apis: z
    .array(api)
    .refine(apis => new Set(apis.map(one => one.audience)).size === apis.length, 'must name each audience once')
    .refine(meansOneThing, 'must mean the same by a claim wherever they name it: a token can reach several')
    .default([]),
})

/** What the file, the environment and the flags say together, filled up with the defaults. */
export interface WrittenConfiguration {
  readonly port: number
  readonly host: string
  readonly data: string
  readonly database?: string | undefined
  readonly database_listen?: string | undefined
  readonly database_connections: number
  readonly database_named_statements: boolean
  readonly key_ring?: string | undefined
  readonly valkey?: string | undefined
  readonly database_patience_seconds: number
  readonly issuer?: string | undefined
  readonly application_name: string
  readonly theme: WrittenTheme
  readonly languages?: string[] | undefined
  readonly language_files: string[]
  readonly sign_up: 'open' | 'invitation' | 'closed'
  readonly invitation_days: number
  readonly passwords: 'on' | 'off'
  readonly smtp_url?: string | undefined
  readonly mail_from?: string | undefined
  readonly error_redirects: 'known' | 'all'
  readonly scope_descriptions: Record<string, string>
  readonly trusted_proxies: string[]
  readonly signing_key_days: number
  readonly signing_algorithms: SigningAlgorithm[]
  readonly drain_seconds: number
  readonly drain_notice_seconds?: number | undefined
  readonly metrics_port?: number | undefined
  readonly revocation_journal?: string | undefined
  readonly master_key_command?: string[] | undefined
  readonly unsafe_refresh_policy: boolean
  readonly claims_version: number
  readonly clients: WrittenClient[]
  readonly registration: 'closed' | 'token' | 'open'
  readonly registration_tokens: string[]
  readonly client_id_metadata_documents: boolean
  readonly registration_scopes: string[]
  readonly registration_audiences: string[]
  readonly registrations_per_hour: number
  readonly registered_clients_at_most: number
  readonly unused_registration_days: number
  readonly connections: WrittenConnection[]
  readonly apis: WrittenApi[]
}

/** Key by key; what does not go together is judged in configuration-contradictions.ts. */
export const separateKeys: z.ZodType<WrittenConfiguration> = plainConfiguration

/** The keys of the file. The environment may hold each of them, as `COUNTERSIGN_…` in capitals. */
export const configurationKeys: readonly string[] = Object.keys(plainConfiguration.shape)

/** Keys that are flags too. */
export const flagKeys = ['port', 'data', 'database', 'valkey', 'issuer'] as const

/** Keys whose text is read as a number. */
export const numberKeys: ReadonlySet<string> = new Set([
  'port',
  'database_connections',
  'database_patience_seconds',
  'signing_key_days',
  'drain_seconds',
  'drain_notice_seconds',
  'metrics_port',
  'claims_version',
  'invitation_days',
  'registrations_per_hour',
  'registered_clients_at_most',
  'unused_registration_days',
])

/** Keys whose text is read as JSON, as it would stand in the file. */
export const jsonKeys: ReadonlySet<string> = new Set([
  'master_key_command',
  'database_named_statements',
  'unsafe_refresh_policy',
  'clients',
  'connections',
  'client_id_metadata_documents',
  'scope_descriptions',
  'theme',
  'apis',
])

/** Keys whose text is a list, separated by commas. */
export const listKeys: ReadonlySet<string> = new Set([
  'languages',
  'language_files',
  'trusted_proxies',
  'signing_algorithms',
  'registration_tokens',
  'registration_scopes',
  'registration_audiences',
])
