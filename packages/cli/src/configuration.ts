import { readFileSync } from 'node:fs'
import type { Client } from '@countersign/core'
import {
  declareClient,
  defaultKeyPolicy,
  defaultLifetimes,
  defaultRefreshPolicy,
  hashClientSecret,
} from '@countersign/core'
import * as z from 'zod'

/*
 * What can be configured, in `countersign.json`; simple keys also as COUNTERSIGN_… in the environment, and some as flags.
 * Flags win over the environment, the environment over the file.
 */

const seconds = (least: number, most: number) => z.int().min(least).max(most)
const tenYears = 3_650 * 86_400

const clientSchema = z.strictObject({
  id: z.string().regex(/^[\x21-\x7e]{1,200}$/),
  name: z.string().min(1).max(100).optional(),
  /** At least 32 characters; two while one is being replaced. Stored as hashes. */
  secrets: z.array(z.string().min(32).max(200)).max(2).optional(),
  first_party: z.boolean().optional(),
  direct_login: z.boolean().optional(),
  grant_types: z.array(z.enum(['authorization_code', 'refresh_token', 'client_credentials'])).optional(),
  redirect_uris: z.array(z.string().max(2000)).max(50).optional(),
  scopes: z.array(z.string()).optional(),
  default_scopes: z.array(z.string()).optional(),
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

const schema = z.strictObject({
  port: z.int().min(0).max(65_535).default(4400),
  host: z.string().default('127.0.0.1'),
  data: z.string().min(1).default('data'),
  /** Defaults to `http://127.0.0.1:PORT`. */
  issuer: z
    .url({ protocol: /^https?$/ })
    .refine(
      url => !url.endsWith('/') && !/[?#]/.test(url) && new URL(url).pathname === '/',
      'must be an origin without a path',
    )
    .optional(),
  application_name: z.string().min(1).max(60).default('Countersign'),
  sign_up: z.enum(['open', 'closed']).default('closed'),
  trusted_proxies: z.array(z.union([z.ipv4(), z.ipv6()])).default([]),
  signing_key_days: z
    .number()
    .min(0.01)
    .max(3650)
    .default(defaultKeyPolicy.rotationSeconds / 86_400),
  /** How long a stop waits for requests that were begun. */
  drain_seconds: seconds(0, 600).default(10),
  /** Allows a minimum life of unbound refresh tokens below twice the grace: for benchmarks and tests alone. */
  unsafe_refresh_policy: z.boolean().default(false),
  clients: z.array(clientSchema).default([]),
})

/** The configuration as the composition needs it; the keys are those of the file. */
export interface Configuration {
  readonly port: number
  readonly host: string
  readonly data: string
  readonly issuer: string | undefined
  readonly application_name: string
  readonly sign_up: 'open' | 'closed'
  readonly trusted_proxies: readonly string[]
  readonly signing_key_days: number
  readonly drain_seconds: number
  readonly clients: readonly Client[]
}

/** Something in the configuration is wrong; the message says what and where. Nothing starts. */
export class WrongConfiguration extends Error {
  override readonly name = 'WrongConfiguration'
}

const environmentKeys = [
  'port',
  'host',
  'data',
  'issuer',
  'application_name',
  'sign_up',
  'trusted_proxies',
  'signing_key_days',
  'drain_seconds',
] as const
const flagKeys = ['port', 'data', 'issuer'] as const
const numberKeys = new Set<string>(['port', 'signing_key_days', 'drain_seconds'])

/** Reads file, environment and flags. */
export function readConfiguration(sources: {
  file?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
  flags: Readonly<Record<string, unknown>>
}): Configuration {
  const merged: Record<string, unknown> = sources.file === undefined ? {} : readFile(sources.file)
  for (const key of environmentKeys) {
    const value = sources.environment[`COUNTERSIGN_${key.toUpperCase()}`]
    if (value !== undefined && value !== '') merged[key] = plainValue(key, value)
  }
  for (const key of flagKeys) {
    const value = sources.flags[key]
    if (value !== undefined) merged[key] = plainValue(key, String(value))
  }
  const parsed = schema.safeParse(merged)
  if (!parsed.success) throw new WrongConfiguration(describe(parsed.error))
  const { clients, issuer, unsafe_refresh_policy, ...rest } = parsed.data
  return { ...rest, issuer, clients: clients.map(client => toClient(client, unsafe_refresh_policy)) }
}

function readFile(file: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not valid JSON' : 'cannot be read'
    throw new WrongConfiguration(`${file} ${why}.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WrongConfiguration(`${file} does not hold a JSON object.`)
  }
  return { ...value }
}

function plainValue(key: string, text: string): unknown {
  if (numberKeys.has(key)) return text.trim() === '' ? Number.NaN : Number(text)
  return key === 'trusted_proxies' ? text.split(',').map(one => one.trim()) : text
}

function describe(error: z.ZodError): string {
  const lines = error.issues.map(({ path, message }) => `  ${path.length > 0 ? path.join('.') : '(top)'}: ${message}`)
  return `The configuration is not valid:\n${lines.join('\n')}`
}

function toClient(from: z.infer<typeof clientSchema>, unsafe: boolean): Client {
  const grace = from.grace_seconds ?? defaultRefreshPolicy.graceSeconds
  const minimumLife = from.minimum_life_seconds ?? defaultRefreshPolicy.minimumLifeSeconds
  if (!unsafe && minimumLife < 2 * grace) {
    throw new WrongConfiguration(
      `The configuration is not valid:\n  clients.${from.id}.minimum_life_seconds: must be at least twice grace_seconds.`,
    )
  }
  const given = <T extends object>(values: T): T =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
  return declareClient({
    id: from.id,
    ...given({
      name: from.name,
      secretHashes: from.secrets?.map(hashClientSecret),
      firstParty: from.first_party,
      directLogin: from.direct_login,
      grantTypes: from.grant_types,
      redirectUris: from.redirect_uris,
      scopes: from.scopes,
      defaultScopes: from.default_scopes ?? from.scopes,
      audiences: from.audiences,
      accessTokenBinding: from.access_token_binding,
    } as Partial<Client>),
    lifetimes: {
      accessTokenSeconds: from.access_token_seconds ?? defaultLifetimes.accessTokenSeconds,
      idleSeconds: from.idle_seconds ?? defaultLifetimes.idleSeconds,
      absoluteSeconds: from.absolute_seconds ?? defaultLifetimes.absoluteSeconds,
    },
    refresh: {
      ...defaultRefreshPolicy,
      graceSeconds: grace,
      minimumLifeSeconds: minimumLife,
      ...given({
        repeatsUnchanged: from.repeats_unchanged,
        reuseEndsSession: from.reuse_ends_session,
        flaggedReplayEndsFamily: from.flagged_replay_ends_family,
      } as Partial<Client['refresh']>),
    },
  })
}
