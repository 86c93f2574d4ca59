import { defaultKeyPolicy, type GrantType, type SigningAlgorithm, signingAlgorithms } from '@countersign/core'
import * as z from 'zod'

/*
 * The keys of `countersign.json`: what is allowed, and what holds if nothing is said. For people the same stands in
 * docs/configuration.md, and a test keeps the two together.
 */

const seconds = (least: number, most: number) => z.int().min(least).max(most)
const tenYears = 3_650 * 86_400

/** RFC 6749 §3.3: scopes are separated by spaces, so that none can hold one. */
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'must be one word, without spaces or quotes')

const plainClient = z.strictObject({
  id: z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters'),
  name: z.string().min(1).max(100).optional(),
  /** At least 32 characters; two while one is being replaced. Stored as hashes. */
  secrets: z.array(z.string().min(32, 'must have at least 32 characters').max(200)).max(2).optional(),
  first_party: z.boolean().optional(),
  direct_login: z.boolean().optional(),
  grant_types: z.array(z.enum(['authorization_code', 'refresh_token', 'client_credentials'])).optional(),
  redirect_uris: z.array(z.string().max(2000)).max(50).optional(),
  scopes: z.array(scope).optional(),
  default_scopes: z.array(scope).optional(),
  audiences: z.array(z.string()).optional(),
  access_token_binding: z.enum(['bearer', 'dpop']).optional(),
  access_token_seconds: seconds(1, 86_400).optional(),
  idle_seconds: seconds(60, tenYears).optional(),
  absolute_seconds: seconds(60, tenYears).optional(),
  grace_seconds: seconds(0, 300).optional(),
  minimum_life_seconds: seconds(0, 3600).optional(),
  repeats_unchanged: z.boolean().optional(),
  reuse_ends_session: z.boolean().optional(),
  flagged_replay_ends_family: z.boolean().optional(),
})

/** One entry of `clients`, as it is written in the file. */
export interface WrittenClient {
  readonly id: string
  readonly name?: string | undefined
  readonly secrets?: string[] | undefined
  readonly first_party?: boolean | undefined
  readonly direct_login?: boolean | undefined
  readonly grant_types?: GrantType[] | undefined
  readonly redirect_uris?: string[] | undefined
  readonly scopes?: string[] | undefined
  readonly default_scopes?: string[] | undefined
  readonly audiences?: string[] | undefined
  readonly access_token_binding?: 'bearer' | 'dpop' | undefined
  readonly access_token_seconds?: number | undefined
  readonly idle_seconds?: number | undefined
  readonly absolute_seconds?: number | undefined
  readonly grace_seconds?: number | undefined
  readonly minimum_life_seconds?: number | undefined
  readonly repeats_unchanged?: boolean | undefined
  readonly reuse_ends_session?: boolean | undefined
  readonly flagged_replay_ends_family?: boolean | undefined
}

const api = z.strictObject({
  audience: z.string().min(1).max(200),
  access_token_seconds: seconds(1, 86_400),
})

/** One entry of `apis`, as it is written in the file. */
export interface WrittenApi {
  readonly audience: string
  readonly access_token_seconds: number
}

/** The keys of an API. */
export const apiKeys: readonly string[] = Object.keys(api.shape)

/** The keys of a client. */
export const clientKeys: readonly string[] = Object.keys(plainClient.shape)

/** Keys that are allowed one by one and contradict each other: every request would be refused, one by one. */
const contradictions: readonly { key: keyof WrittenClient; found: (client: WrittenClient) => boolean; says: string }[] =
  [
    {
      key: 'direct_login',
      found: client => client.direct_login === true && client.first_party !== true,
      says: 'needs first_party: true; only your own applications may see passwords',
    },
    {
      key: 'direct_login',
      found: client => client.direct_login === true && (client.secrets ?? []).length > 0,
      says: 'is for public clients; a client with secrets signs users in on the hosted pages, or as a trusted back end',
    },
    {
      key: 'grant_types',
      found: client => (client.grant_types ?? []).includes('client_credentials') && (client.secrets ?? []).length === 0,
      says: 'client_credentials needs secrets; without one anybody could ask',
    },
    {
      key: 'default_scopes',
      found: client => (client.default_scopes ?? []).some(one => !(client.scopes ?? []).includes(one)),
      says: 'must all be among scopes',
    },
  ]

const client = plainClient.superRefine((written, context) => {
  for (const { key, found, says } of contradictions) {
    if (found(written)) context.addIssue({ code: 'custom', path: [key], message: says })
  }
})

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

/** Never shown: it may hold a password. */
const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\/[^\s]+$/, 'must be a URL such as postgres://user@host:5432/database')

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
  /** Defaults to `http://127.0.0.1:PORT`. */
  issuer: issuer.optional(),
  application_name: z.string().min(1).max(60).default('Countersign'),
  sign_up: z.enum(['open', 'closed']).default('closed'),
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
  /** Prints the master key: for a key service. No shell; a program and its arguments. */
  master_key_command: z.array(z.string()).min(1).max(50).optional(),
  /** Allows a minimum life of unbound refresh tokens below twice the grace: for benchmarks and tests alone. */
  unsafe_refresh_policy: z.boolean().default(false),
  clients: z.array(client).default([]),
  apis: z
    .array(api)
    .refine(apis => new Set(apis.map(one => one.audience)).size === apis.length, 'must name each audience once')
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
  readonly issuer?: string | undefined
  readonly application_name: string
  readonly sign_up: 'open' | 'closed'
  readonly trusted_proxies: string[]
  readonly signing_key_days: number
  readonly signing_algorithms: SigningAlgorithm[]
  readonly drain_seconds: number
  readonly master_key_command?: string[] | undefined
  readonly unsafe_refresh_policy: boolean
  readonly clients: WrittenClient[]
  readonly apis: WrittenApi[]
}

export const configurationSchema: z.ZodType<WrittenConfiguration> = plainConfiguration

/** The keys of the file. The environment may hold each of them, as `COUNTERSIGN_…` in capitals. */
export const configurationKeys: readonly string[] = Object.keys(plainConfiguration.shape)

/** Keys that are flags too. */
export const flagKeys = ['port', 'data', 'database', 'issuer'] as const

/** Keys whose text is read as a number. */
export const numberKeys: ReadonlySet<string> = new Set([
  'port',
  'database_connections',
  'signing_key_days',
  'drain_seconds',
])

/** Keys whose text is read as JSON, as it would stand in the file. */
export const jsonKeys: ReadonlySet<string> = new Set([
  'master_key_command',
  'database_named_statements',
  'unsafe_refresh_policy',
  'clients',
  'apis',
])
