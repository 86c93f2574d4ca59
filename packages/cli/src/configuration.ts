import { dirname, resolve } from 'node:path'
import type { WrittenConnection } from '@countersign/connections'
import type { ApiLifetimes, ClaimsMap, Client, SigningAlgorithm } from '@countersign/core'
import { hashClientSecret } from '@countersign/core'
import { clientOfWritten, type RegistrationPolicy, type WrittenClient } from '@countersign/server'
import { notesOf } from './configuration-notes.ts'
import { describeProblems, distance, WrongConfiguration } from './configuration-problems.ts'
import {
  configurationKeys,
  configurationSchema,
  flagKeys,
  jsonKeys,
  listKeys,
  numberKeys,
  type WrittenConfiguration,
  type WrittenTheme,
} from './configuration-schema.ts'
import { readJsonFile } from './json-file.ts'

/*
 * What can be configured, in `countersign.json`; every key also as COUNTERSIGN_… in the environment, and some as flags.
 * Flags win over the environment, the environment over the file.
 */

/** The configuration as the composition needs it; the keys are those of the file. */
export interface Configuration {
  readonly port: number
  readonly host: string
  /** Absolute. */
  readonly data: string
  /** PostgreSQL; undefined: everything is in the data folder. May hold a password. */
  readonly database: string | undefined
  readonly database_listen: string | undefined
  readonly database_connections: number
  readonly database_named_statements: boolean
  /** Where the nodes agree on the keys, besides the store. May hold a password. */
  readonly key_ring?: string | undefined
  /** Valkey or Redis. May hold a password. */
  readonly valkey?: string | undefined
  readonly database_patience_seconds: number
  readonly issuer: string | undefined
  readonly application_name: string
  /** Paths in it are absolute. */
  readonly theme: WrittenTheme
  readonly languages?: readonly string[] | undefined
  /** Absolute. */
  readonly language_files: readonly string[]
  readonly sign_up: 'open' | 'closed'
  readonly passwords: 'on' | 'off'
  /** May hold a password. */
  readonly smtp_url?: string | undefined
  readonly mail_from?: string | undefined
  readonly error_redirects: 'known' | 'all'
  readonly scope_descriptions: Readonly<Record<string, string>>
  readonly trusted_proxies: readonly string[]
  readonly signing_key_days: number
  readonly signing_algorithms: readonly SigningAlgorithm[]
  readonly drain_seconds: number
  readonly drain_notice_seconds?: number | undefined
  readonly metrics_port?: number | undefined
  /** Absolute. */
  readonly revocation_journal?: string | undefined
  readonly master_key_command?: readonly string[] | undefined
  readonly registration: RegistrationPolicy
  readonly clients: readonly Client[]
  readonly connections: readonly WrittenConnection[]
  readonly apiLifetimes: ApiLifetimes
  /** The APIs whose tokens only the server can read, by their audience. */
  readonly opaqueApis: ReadonlySet<string>
  /** The APIs that share a secret with the server, by their audience. */
  readonly sharedSecretApis: ReadonlySet<string>
  /** What the access tokens that reach an API tell of users, by its audience. */
  readonly apiClaims: ReadonlyMap<string, ClaimsMap>
  readonly claims_version: number
  /** What is allowed and probably not meant: sentences for whoever starts the server. */
  readonly notes: readonly string[]
}

/** Where configuration comes from; flags win over the environment, the environment over the file. */
export interface ConfigurationSources {
  readonly file?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly flags: Readonly<Record<string, unknown>>
  /** The folder that relative paths of flags and environment mean; default: the current one. */
  readonly folder?: string
}

/** Reads file, environment and flags. Throws `WrongConfiguration` with all that is wrong. */
export function readConfiguration({ file, environment, flags, folder = '.' }: ConfigurationSources): Configuration {
  const path = file === undefined ? undefined : resolve(folder, file)
  const written: Record<string, unknown> = path === undefined ? {} : readJsonFile(path)
  const sources = new Map<string, string>()
  const take = (key: string, text: string, source: string): void => {
    written[key] = plainValue(key, text, source)
    sources.set(key, source)
  }
  for (const key of configurationKeys) {
    const name = `COUNTERSIGN_${key.toUpperCase()}`
    const value = environment[name]
    if (value !== undefined && value !== '') take(key, value, name)
  }
  refuseMistyped(environment)
  for (const key of flagKeys) if (flags[key] !== undefined) take(key, String(flags[key]), `--${key}`)
  const parsed = configurationSchema.safeParse(written)
  if (!parsed.success) throw new WrongConfiguration(describeProblems(parsed.error, written, sources))
  const { clients, apis, issuer, database, database_listen, unsafe_refresh_policy, ...others } = parsed.data
  const { registration: _registration, ...rest } = others
  // What the file says is beside the file, wherever one stands.
  const beside = (key: string, name: string): string =>
    resolve(path === undefined || sources.has(key) ? folder : dirname(path), name)
  return {
    ...rest,
    data: beside('data', rest.data),
    theme: themeBeside(rest.theme, name => beside('theme', name)),
    language_files: rest.language_files.map(name => beside('language_files', name)),
    ...(rest.revocation_journal !== undefined && {
      revocation_journal: beside('revocation_journal', rest.revocation_journal),
    }),
    notes: notesOf(clients, issuer),
    database,
    database_listen,
    issuer,
    registration: registrationOf(parsed.data),
    clients: clients.map(client => toClient(client, unsafe_refresh_policy)),
    apiLifetimes: new Map(
      apis.flatMap(({ audience, access_token_seconds: life }) => (life === undefined ? [] : [[audience, life]])),
    ),
    apiClaims: new Map(apis.flatMap(({ audience, claims }) => (claims === undefined ? [] : [[audience, claims]]))),
    opaqueApis: new Set(apis.filter(api => api.access_token_format === 'opaque').map(api => api.audience)),
    sharedSecretApis: new Set(apis.filter(api => api.access_token_algorithm === 'HS256').map(api => api.audience)),
  }
}

function themeBeside({ logo, logo_dark, ...theme }: WrittenTheme, beside: (name: string) => string): WrittenTheme {
  return {
    ...theme,
    ...(logo !== undefined && { logo: beside(logo) }),
    ...(logo_dark !== undefined && { logo_dark: beside(logo_dark) }),
  }
}

const prefix = 'COUNTERSIGN_'
/** Words that are no keys: for the file, the key, the demo, and what tests need. */
const otherVariables = [
  'CONFIG',
  'MASTER_KEY',
  'DEMO_API_SECRET',
  'CHROMIUM',
  'PGBOUNCER',
  'NGINX',
  'REDIS',
  'FAKETIME',
  'POSTGRES',
  'ZOOKEEPER',
  'ETCD',
]

/** A variable that nobody reads would be a setting that is missing in silence. Only what is nearly one: others may have theirs under this prefix. */
function refuseMistyped(environment: ConfigurationSources['environment']): void {
  const known = [...configurationKeys.map(key => key.toUpperCase()), ...otherVariables]
  for (const [name, value] of Object.entries(environment)) {
    const word = name.slice(prefix.length)
    if (!name.startsWith(prefix) || value === undefined || value === '' || known.includes(word)) continue
    const meant = known.find(one => distance(word, one) <= (one.length > 4 ? 2 : 1))
    if (meant !== undefined) throw new WrongConfiguration(`${name} is not a setting. Did you mean ${prefix}${meant}?`)
  }
}

function plainValue(key: string, text: string, source: string): unknown {
  if (listKeys.has(key)) return text.split(',').map(one => one.trim())
  if (jsonKeys.has(key)) return jsonValue(text, source)
  if (!numberKeys.has(key)) return text
  const number = text.trim() === '' ? Number.NaN : Number(text)
  const isPort = Number.isInteger(number) && number >= 0 && number <= 65_535
  const wantsPort = key === 'port' || key === 'metrics_port'
  if (wantsPort ? !isPort : Number.isNaN(number)) {
    throw new WrongConfiguration(`${source}: "${text}" is not a ${wantsPort ? 'port' : 'number'}.`)
  }
  return number
}

function jsonValue(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not the message: it quotes the text, and a secret may stand there.
    throw new WrongConfiguration(`${source} is not valid JSON.`)
  }
}

function toClient(from: WrittenClient, unsafe: boolean): Client {
  const client = clientOfWritten(from)
  const { graceSeconds, minimumLifeSeconds } = client.refresh
  if (!unsafe && minimumLifeSeconds < 2 * graceSeconds) {
    throw new WrongConfiguration(
      `The configuration is not valid:\n  clients.${from.id}.minimum_life_seconds: must be at least twice grace_seconds.`,
    )
  }
  return client
}

function registrationOf(written: WrittenConfiguration): RegistrationPolicy {
  return {
    mode: written.registration,
    tokenHashes: written.registration_tokens.map(hashClientSecret),
    metadataDocuments: written.client_id_metadata_documents,
    scopes: written.registration_scopes,
    audiences: written.registration_audiences,
    perHour: written.registrations_per_hour,
    clientsAtMost: written.registered_clients_at_most,
    unusedSeconds: Math.round(written.unused_registration_days * 86_400),
  }
}
