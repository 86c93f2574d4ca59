import { type WrittenConnection, writtenConnection } from '@countersign/connections/settings'
import {
  auditKeptAtLeastSeconds,
  type ClaimsMap,
  defaultKeyPolicy,
  emailKey,
  invitationSeconds,
  type SigningAlgorithm,
  signingAlgorithms,
} from '@countersign/core'
import { claimsMap, closedRegistration, type WrittenClient, writtenClient } from '@countersign/server'
import { faultOfDatabaseUrl, faultOfListenUrl, isDecodable } from '@countersign/store-postgres/database-url'
import * as z from 'zod'
import { isKeyRingUrl } from './open-key-ring.ts'

/*
 * The keys of `countersign.json`: what is allowed, and what holds if nothing is said. For people the same stands in
 * docs/configuration.md, and a test keeps the two together.
 */

/** With what would be right, whatever is wrong. */
const whole = (least: number, most: number, of = '') => {
  const must = `must be a whole number${of} from ${least} to ${most}`
  return z.int(must).min(least, must).max(most, must)
}
const seconds = (least: number, most: number) => whole(least, most, ' of seconds')
const days = (least: number, most: number) => {
  const must = `must be a number of days from ${least} to ${most}`
  return z.number(must).min(least, must).max(most, must)
}
const port = whole(0, 65_535)
const path = z.string('must be a path').min(1, 'must be a path')

/** RFC 6749 §3.3. */
const scopeWord = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'must be one word, without spaces or quotes')

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

const mustBeColor = 'must be a colour such as #0e6b5c'
const color = z.string(mustBeColor).regex(/^#[0-9a-fA-F]{6}$/, mustBeColor)
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
  radius_pixels: whole(0, 32, ' of pixels').optional(),
  font: z.string().min(1).max(300).optional(),
  logo: path.optional(),
  logo_dark: path.optional(),
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

/** The keys of one scheme of the theme. */
export const colorKeys: readonly string[] = Object.keys(schemeColors.shape)

/** The keys of an API. */
export const apiKeys: readonly string[] = Object.keys(api.shape)

/** An origin: what stands in every token, to the letter (RFC 8414 §2). */
const issuer = z
  .url({ protocol: /^https?$/, error: 'must be a URL such as https://login.example.com' })
  .check(context => {
    const say = (message: string): void => void context.issues.push({ code: 'custom', message, input: context.value })
    const url = URL.parse(context.value)
    if (url === null || context.value === url.origin) return
    if (context.value === `${url.origin}/`) say(`remove the slash at the end: ${url.origin}`)
    else say(`must be an origin, without a path and in small letters, to the letter: ${url.origin}`)
  })

/** Said of what may hold a password, which is never shown. */
const inPasswords = 'In a password, % is written %25, / %2F, ? %3F, # %23, @ %40'

/** Host, port, and who signs in there; nothing else is read from it. */
function isSmtpUrl(text: string): boolean {
  const url = isDecodable(text) ? URL.parse(text) : null
  if (url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === '' || url.port === '0') return false
  return url.search === '' && url.hash === '' && (url.pathname === '' || url.pathname === '/')
}

/** What its driver would throw of, with a stack, or pass over in silence: parameters that sound like TLS, for one. */
function isValkeyUrl(text: string): boolean {
  const url = isDecodable(text) ? URL.parse(text) : null
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || url.port === '0') return false
  return url.search === '' && url.hash === '' && /^(\/\d{0,5})?$/.test(url.pathname)
}

const mustBe = (example: string): string => `must be a URL such as ${example}. ${inPasswords}`

const smtpMust = mustBe('smtp://user:password@host:587 or smtps://user:password@host:465')
const smtpUrl = z.string(smtpMust).refine(isSmtpUrl, smtpMust)

const keyRingMust = mustBe('zookeeper://host:2181,host2:2181/path, etcd://host:2379/path or redis://host:6379/path')
const keyRingUrl = z.string(keyRingMust).refine(isKeyRingUrl, keyRingMust)

const valkeyMust = mustBe(
  'redis://user:password@host:6379/0, or rediss:// over TLS, with nothing behind the number of the database',
)
const valkeyUrl = z.string(valkeyMust).refine(isValkeyUrl, valkeyMust)

const sayFault =
  (faultOf: (text: string) => string | undefined) =>
  ({ value, issues }: { value: string; issues: object[] }): void => {
    const fault = faultOf(value)
    if (fault !== undefined) issues.push({ code: 'custom', message: fault, input: value })
  }
const databaseUrl = z
  .string('must be a URL such as postgres://user@host:5432/database')
  .check(sayFault(faultOfDatabaseUrl))

const listenMust = 'must be "off", or a URL such as postgres://user@host:5432/database'
const listenUrl = z.string(listenMust).check(
  sayFault(text => {
    if (text === 'off') return undefined
    return text.includes('://') ? faultOfListenUrl(text) : listenMust
  }),
)

/** A token that reaches two APIs has each claim once. */
function meansOneThing(apis: readonly WrittenApi[]): boolean {
  const sources = new Map<string, string>()
  const named = apis.flatMap(({ claims = {} }) => Object.entries(claims))
  return named.every(([claim, source]) => {
    if (!sources.has(claim)) sources.set(claim, source)
    return sources.get(claim) === source
  })
}

const plainConfiguration = z.strictObject({
  port: port.default(4400),
  host: z
    .string()
    .regex(/^[\w.:%-]+$/, 'must be the address, or the name, of an interface, without port and brackets')
    .default('127.0.0.1'),
  data: path.default('data'),
  /** PostgreSQL; absent: everything is in the data folder. */
  database: databaseUrl.optional(),
  /** A direct connection, past any pooler, on which entries of the feed are heard of; `off`: by looking alone. */
  database_listen: listenUrl.optional(),
  database_connections: whole(2, 1000).default(10),
  database_named_statements: z.boolean().default(true),
  /** ZooKeeper, etcd, Valkey or Redis; absent: the nodes agree on the keys in the store. */
  key_ring: keyRingUrl.optional(),
  /** Valkey or Redis, the fast lane between nodes; absent: they find each other by the database alone. */
  valkey: valkeyUrl.optional(),
  /** How long a statement, or a connection to become free, is waited for; then it is 503. */
  database_patience_seconds: seconds(1, 60).default(5),
  /** Defaults to `http://127.0.0.1:PORT`. */
  issuer: issuer.optional(),
  application_name: z.string().min(1).max(60).default('Countersign'),
  /** Looks of the hosted pages. */
  theme: theme.default({}),
  /** In which languages they can be had; absent: all that there are. */
  languages: z.array(z.string().min(1)).min(1).max(100).optional(),
  /** Files with the words of further languages, or with other words for one that there is. */
  language_files: z.array(path).max(100).default([]),
  sign_up: z.enum(['open', 'invitation', 'closed']).default('closed'),
  /** How long an invitation can be accepted, if whoever makes it does not say. */
  invitation_days: days(0.01, 365).default(invitationSeconds.byDefault / 86_400),
  /** Whether people sign in by password; `off`: by connections alone. */
  passwords: z.enum(['on', 'off']).default('on'),
  /** The mail server; absent: no mails are sent, and what needs one is not offered. May hold a password: never shown. */
  smtp_url: smtpUrl.optional(),
  /** Who mails are from: an address. The name beside it is that of the application. */
  mail_from: z
    .string()
    .refine(text => emailKey(text) !== null, 'must be an e-mail address')
    .optional(),
  /** Whether errors at /authorize go to the addresses of strangers without a page in between. */
  error_redirects: z.enum(['known', 'all']).default('known'),
  /** What scopes mean, for the users who are asked to allow them. */
  scope_descriptions: z.record(scopeWord, z.string().min(1).max(200)).default({}),
  trusted_proxies: z.array(z.union([z.ipv4(), z.ipv6()], 'must be an IP address')).default([]),
  signing_key_days: days(0.01, 3650).default(defaultKeyPolicy.rotationSeconds / 86_400),
  /** What there are keys for from the start, besides what the clients named here want. */
  signing_algorithms: z.array(z.enum(signingAlgorithms)).default([]),
  /** How long a stop waits for requests that were begun. */
  drain_seconds: seconds(0, 600).default(10),
  /** How long before a stop by SIGTERM `/ready` is 503 and everything else answered as ever. Absent: 2 with a database, else 0. */
  drain_notice_seconds: seconds(0, 600).optional(),
  /** Metrics for Prometheus, on loopback alone; absent: none are taken. */
  metrics_port: port.optional(),
  /** Where revocations are written besides the store, apart from its backups; absent: nowhere. */
  revocation_journal: path.optional(),
  /** After how long rows of the audit log are removed; absent: never. */
  audit_keep_days: days(auditKeptAtLeastSeconds / 86_400, 36_500).optional(),
  /** Prints the master key: for a key service. No shell; a program and its arguments. */
  master_key_command: z
    .array(z.string())
    .min(1)
    .max(50)
    .refine(([program]) => program !== '', 'must begin with a program')
    .optional(),
  /** Allows a minimum life of unbound refresh tokens below twice the grace: for benchmarks and tests alone. */
  unsafe_refresh_policy: z.boolean().default(false),
  /** The version of what tokens tell of users: raised when its meaning changes. */
  claims_version: whole(1, 1_000_000).default(1),
  clients: z.array(writtenClient).default([]),
  /** Which of several files it is: raised with each change of the clients; a lower one changes none. Absent: whichever starts last counts. */
  clients_version: whole(1, 999_999_999_999_999).optional(),
  /** Who may register clients (RFC 7591). */
  registration: z.enum(['closed', 'token', 'open']).default('closed'),
  registration_tokens: z.array(z.string().min(32, 'must have at least 32 characters').max(200)).max(50).default([]),
  client_id_metadata_documents: z.boolean().default(false),
  registration_scopes: z.array(scopeWord).default([...closedRegistration.scopes]),
  registration_audiences: z.array(z.string().min(1)).default([]),
  registrations_per_hour: whole(1, 1_000_000).default(closedRegistration.perHour),
  registered_clients_at_most: whole(1, 10_000_000).default(closedRegistration.clientsAtMost),
  unused_registration_days: days(0.01, 3650).default(closedRegistration.unusedSeconds / 86_400),
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
  readonly audit_keep_days?: number | undefined
  readonly master_key_command?: string[] | undefined
  readonly unsafe_refresh_policy: boolean
  readonly claims_version: number
  readonly clients: WrittenClient[]
  readonly clients_version?: number | undefined
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
  'clients_version',
  'invitation_days',
  'registrations_per_hour',
  'registered_clients_at_most',
  'unused_registration_days',
  'audit_keep_days',
])

/** Keys whose text is true or false. */
export const booleanKeys: ReadonlySet<string> = new Set([
  'database_named_statements',
  'unsafe_refresh_policy',
  'client_id_metadata_documents',
])

/** Keys whose text is read as JSON, as it would stand in the file. */
export const jsonKeys: ReadonlySet<string> = new Set([
  'master_key_command',
  'clients',
  'connections',
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
