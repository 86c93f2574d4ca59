import { dirname, resolve } from 'node:path'
import type { WrittenConnection } from '@countersign/connections'
import type { ApiLifetimes, ClaimsMap, Client, SigningAlgorithm } from '@countersign/core'
import { hashClientSecret } from '@countersign/core'
import { clientOfWritten, type RegistrationPolicy } from '@countersign/server'
import { configurationSchema } from './configuration-contradictions.ts'
import { notesOf } from './configuration-notes.ts'
import { noting, problemsOf, refusal, WrongConfiguration } from './configuration-problems.ts'
import {
  booleanKeys,
  configurationKeys,
  flagKeys,
  jsonKeys,
  listKeys,
  numberKeys,
  separateKeys,
  type WrittenConfiguration,
  type WrittenTheme,
} from './configuration-schema.ts'
import { isOfService, prefix, strangersIn } from './environment-names.ts'
import { readJsonFile } from './json-file.ts'
import { parseJson, type ReadJson } from './json-text.ts'

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
  readonly sign_up: 'open' | 'invitation' | 'closed'
  readonly invitation_days: number
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
  readonly audit_keep_days?: number | undefined
  readonly master_key_command?: readonly string[] | undefined
  readonly registration: RegistrationPolicy
  readonly clients: readonly Client[]
  readonly clients_version?: number | undefined
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
  /** The variable that names the file, to be told if it cannot be read. */
  readonly fileIsFrom?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly flags: Readonly<Record<string, unknown>>
  /** The folder that relative paths of flags and environment mean; default: the current one. */
  readonly folder?: string
}

/** Reads file, environment and flags. Throws `WrongConfiguration` with all that is wrong. */
export function readConfiguration({
  file,
  fileIsFrom,
  environment,
  flags,
  folder = '.',
}: ConfigurationSources): Configuration {
  const path = file === undefined ? undefined : resolve(folder, file)
  const { written, said, sources, problems } = readSources({ file: path, fileIsFrom, environment, flags })
  if (written === undefined) {
    // Of a file that cannot be read the rest would be guessed: what is said elsewhere is judged key by key.
    const all = [...problems, ...problemsOf(separateKeys.safeParse(said, { jitless: true }).error, said, sources)]
    throw all.length > 1 ? refusal(all) : new WrongConfiguration(all.join())
  }
  // It is read once: compiling the schemas takes longer than that.
  const parsed = configurationSchema.safeParse(written, { jitless: true })
  if (!parsed.success) throw refusal([...problems, ...problemsOf(parsed.error, written, sources)], path)
  if (problems.length > 0) throw refusal(problems, path)
  const { clients, apis, issuer, database, database_listen, registration: _registration, ...rest } = parsed.data
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
    notes: notesOf(clients),
    database,
    database_listen,
    issuer,
    registration: registrationOf(parsed.data),
    clients: clients.map(clientOfWritten),
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

interface Sources {
  /** By the keys of the file; undefined: it cannot be read. */
  readonly written: Readonly<Record<string, unknown>> | undefined
  /** What environment and flags say alone. */
  readonly said: Readonly<Record<string, unknown>>
  /** Where a key is from, if not from the file. */
  readonly sources: ReadonlyMap<string, string>
  readonly problems: readonly string[]
}

/** What file, environment and flags say together. */
function readSources({ file, fileIsFrom, environment, flags }: Omit<ConfigurationSources, 'folder'>): Sources {
  const said: Record<string, unknown> = {}
  const sources = new Map<string, string>()
  const problems = strangersIn(environment)
  const take = (key: string, text: string, source: string): void => {
    const read = plainValue(key, text)
    if ('problem' in read) problems.push(`${source} ${read.problem}.`)
    else said[key] = read.value
    sources.set(key, source)
  }
  for (const key of configurationKeys) {
    const name = prefix + key.toUpperCase()
    const value = environment[name]
    if (value !== undefined && value !== '' && !isOfService(name, value)) take(key, value, name)
  }
  for (const key of flagKeys) if (flags[key] !== undefined) take(key, String(flags[key]), `--${key}`)
  const fromFile = file === undefined ? {} : noting(problems, () => readJsonFile(file))
  if (fromFile === undefined && fileIsFrom !== undefined) problems.push(`${problems.pop()} ${fileIsFrom} names it.`)
  if (fromFile === undefined) return { written: undefined, said, sources, problems }
  // Also where the text that counts more cannot be read: what the file says there would be judged, and does not count.
  for (const key of sources.keys()) delete fromFile[key]
  return { written: { ...fromFile, ...said }, said, sources, problems }
}

/** What a text of environment or flags means. `problem`: to be said after the name of its source. What is no number, or neither true nor false, is left to the schema, which says what it should be. */
function plainValue(key: string, text: string): ReadJson {
  if (listKeys.has(key)) return listValue(text)
  if (jsonKeys.has(key)) return parseJson(text)
  if (booleanKeys.has(key)) return { value: text === 'true' ? true : text === 'false' ? false : text }
  if (!numberKeys.has(key)) return { value: text }
  return { value: /^\s*[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : text }
}

function listValue(text: string): ReadJson {
  if (/^\s*\[.*\]\s*$/s.test(text)) return { problem: 'is a list with commas between, without brackets and quotes' }
  return { value: text.split(',').map(one => one.trim()) }
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
