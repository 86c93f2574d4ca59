import {
  type AssertionAlgorithm,
  type ClaimsMap,
  type Client,
  type ClientAuthenticationMethod,
  declareClient,
  defaultLifetimes,
  defaultRefreshPolicy,
  type GrantType,
  hashClientSecret,
  isClaimSource,
  isReservedClaim,
  type SigningAlgorithm,
  signingAlgorithms,
} from '@countersign/core'
import * as z from 'zod'
import { contradictionsOf } from './client-contradictions.ts'

/*
 * A client as an operator writes it: in the configuration file, at the command line and in the admin API, in the same words. For people they stand in
 * docs/configuration.md, and a test keeps the two together.
 */

const seconds = (least: number, most: number) => {
  const must = `must be a whole number of seconds from ${least} to ${most}`
  return z.int(must).min(least, must).max(most, must)
}
const tenYears = 3_650 * 86_400

/** RFC 6749 §3.3: scopes are separated by spaces, so that none can hold one. */
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'must be one word, without spaces or quotes')
const page = z
  .string()
  .max(2000)
  .refine(text => /^https?:\/\/[^\s\\]+$/.test(text) && URL.canParse(text), 'must be a web address')
const redirects = z.array(z.string().max(2000)).max(50)

/** A claim → where it comes from. */
export const claimsMap: z.ZodType<ClaimsMap> = z
  .record(
    z
      .string()
      .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'must be one word')
      .refine(name => !isReservedClaim(name), 'is a claim that tokens need for themselves'),
    z
      .string()
      .max(200)
      .refine(isClaimSource, 'must be a standard claim such as email, or roles, groups, permissions, attributes.NAME'),
  )
  .refine(map => Object.keys(map).length <= 50, 'can hold 50 claims')

const members = {
  id: z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters'),
  name: z.string().min(1).max(100).optional(),
  /** At least 32 characters; two while one is being replaced. Stored as hashes. */
  secrets: z.array(z.string().min(32, 'must have at least 32 characters').max(200)).max(2).optional(),
  authentication_method: z
    .enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
    .nullable()
    .optional(),
  jwks: z.array(z.record(z.string(), z.unknown())).max(20).optional(),
  jwks_uri: page.nullable().optional(),
  assertion_algorithm: z.enum(['ES256', 'EdDSA', 'RS256', 'PS256']).nullable().optional(),
  owner_id: z.string().max(100).nullable().optional(),
  uri: page.optional(),
  logo_uri: page.optional(),
  policy_uri: page.optional(),
  terms_uri: page.optional(),
  contacts: z.array(z.string().min(1).max(254)).max(20).optional(),
  first_party: z.boolean().optional(),
  direct_login: z.boolean().optional(),
  consent: z.enum(['asked', 'implied']).optional(),
  one_authorization_per_user: z.boolean().optional(),
  grant_types: z
    .array(
      z.enum([
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ]),
    )
    .optional(),
  redirect_uris: redirects.optional(),
  post_logout_redirect_uris: redirects.optional(),
  backchannel_logout_uri: page.nullable().optional(),
  scopes: z.array(scope).optional(),
  default_scopes: z.array(scope).optional(),
  audiences: z.array(z.string().min(1)).optional(),
  serves: z.array(z.string().min(1).max(2000)).max(50).nullable().optional(),
  access_token_binding: z.enum(['bearer', 'dpop']).optional(),
  requires_dpop: z.boolean().optional(),
  requires_dpop_nonce: z.boolean().optional(),
  pkce: z.enum(['required', 'optional']).optional(),
  requires_pushed_requests: z.boolean().optional(),
  access_token_format: z.enum(['jwt', 'opaque']).optional(),
  id_token_algorithm: z.enum(signingAlgorithms).optional(),
  access_token_claims: claimsMap.optional(),
  id_token_claims: claimsMap.optional(),
  subject_type: z.enum(['public', 'uuid', 'pairwise', 'connection']).optional(),
  sector_identifier: z
    .string()
    .regex(/^[a-z0-9.-]{1,253}$/, 'must be a host name')
    .nullable()
    .optional(),
  default_max_age_seconds: seconds(0, tenYears).nullable().optional(),
  access_token_seconds: seconds(1, 86_400).optional(),
  idle_seconds: seconds(60, tenYears).optional(),
  absolute_seconds: seconds(60, tenYears).optional(),
  grace_seconds: seconds(0, 300).optional(),
  minimum_life_seconds: seconds(0, 3600).optional(),
  minimum_life_bound_seconds: seconds(0, 3600).optional(),
  repeats_unchanged: z.boolean().optional(),
  reuse_ends_session: z.boolean().optional(),
  flagged_replay_ends_family: z.boolean().optional(),
  disabled: z.boolean().optional(),
}

/** The client's own words, in snake_case. */
export interface WrittenClient {
  readonly id: string
  readonly name?: string | undefined
  readonly secrets?: string[] | undefined
  readonly authentication_method?: ClientAuthenticationMethod | null | undefined
  readonly jwks?: Record<string, unknown>[] | undefined
  readonly jwks_uri?: string | null | undefined
  readonly assertion_algorithm?: AssertionAlgorithm | null | undefined
  readonly owner_id?: string | null | undefined
  readonly uri?: string | undefined
  readonly logo_uri?: string | undefined
  readonly policy_uri?: string | undefined
  readonly terms_uri?: string | undefined
  readonly contacts?: string[] | undefined
  readonly first_party?: boolean | undefined
  readonly direct_login?: boolean | undefined
  readonly consent?: Client['consent'] | undefined
  readonly one_authorization_per_user?: boolean | undefined
  readonly grant_types?: GrantType[] | undefined
  readonly redirect_uris?: string[] | undefined
  readonly post_logout_redirect_uris?: string[] | undefined
  readonly backchannel_logout_uri?: string | null | undefined
  readonly scopes?: string[] | undefined
  readonly default_scopes?: string[] | undefined
  readonly audiences?: string[] | undefined
  readonly serves?: string[] | null | undefined
  readonly access_token_binding?: Client['accessTokenBinding'] | undefined
  readonly requires_dpop?: boolean | undefined
  readonly requires_dpop_nonce?: boolean | undefined
  readonly pkce?: Client['pkce'] | undefined
  readonly requires_pushed_requests?: boolean | undefined
  readonly access_token_format?: Client['accessTokenFormat'] | undefined
  readonly id_token_algorithm?: SigningAlgorithm | undefined
  readonly access_token_claims?: ClaimsMap | undefined
  readonly id_token_claims?: ClaimsMap | undefined
  readonly subject_type?: Client['subjectType'] | undefined
  readonly sector_identifier?: string | null | undefined
  readonly default_max_age_seconds?: number | null | undefined
  readonly access_token_seconds?: number | undefined
  readonly idle_seconds?: number | undefined
  readonly absolute_seconds?: number | undefined
  readonly grace_seconds?: number | undefined
  readonly minimum_life_seconds?: number | undefined
  readonly minimum_life_bound_seconds?: number | undefined
  readonly repeats_unchanged?: boolean | undefined
  readonly reuse_ends_session?: boolean | undefined
  readonly flagged_replay_ends_family?: boolean | undefined
  readonly disabled?: boolean | undefined
}

/** The keys of a client. */
export const clientKeys: readonly string[] = Object.keys(members)

/** In the file: whole, with secrets. */
export const writtenClient: z.ZodType<WrittenClient> = z.strictObject(members).superRefine((written, context) => {
  for (const { key, says } of contradictionsOf(clientOfWritten(written))) {
    context.addIssue({ code: 'custom', path: [key], message: says })
  }
})

const { id: _id, secrets: _secrets, ...settings } = members

/** What an operator sets of a client by and by: secrets are made here, and what contradicts itself is judged on the whole. */
export type ClientSettings = Omit<WrittenClient, 'id' | 'secrets'>

export const clientSettings: z.ZodType<ClientSettings> = z.strictObject(settings)

export const newClient: z.ZodType<ClientSettings & { id?: string | undefined }> = z.strictObject({
  ...settings,
  id: members.id.optional(),
})

const lifetimeKeys = ['access_token_seconds', 'idle_seconds', 'absolute_seconds'] as const
const refreshKeys = [
  'grace_seconds',
  'minimum_life_seconds',
  'minimum_life_bound_seconds',
  'repeats_unchanged',
  'reuse_ends_session',
  'flagged_replay_ends_family',
] as const
const descriptionKeys = ['uri', 'logo_uri', 'policy_uri', 'terms_uri', 'contacts'] as const
const grouped: ReadonlySet<string> = new Set(['secrets', ...lifetimeKeys, ...refreshKeys, ...descriptionKeys])
const plainKeys = clientKeys.filter(key => !grouped.has(key)) as (keyof WrittenClient)[]

/** What is written, over the defaults. */
export function clientOfWritten(written: WrittenClient): Client {
  const byDefault = declareClient({ id: written.id, firstParty: written.first_party ?? false })
  const secretHashes = written.secrets?.map(hashClientSecret) ?? []
  return clientWith({ ...byDefault, secretHashes }, { default_scopes: written.scopes, ...written })
}

/** The client with some settings changed. The defaults that hang on others do not follow by themselves. */
export function clientWith(client: Client, settings: ClientSettings): Client {
  return {
    ...client,
    ...inCode(settings, plainKeys),
    lifetimes: { ...defaultLifetimes, ...client.lifetimes, ...inCode(settings, lifetimeKeys) },
    refresh: { ...defaultRefreshPolicy, ...client.refresh, ...inCode(settings, refreshKeys) },
    description: { ...client.description, ...inCode(settings, descriptionKeys) },
  }
}

/** Everything that is set of a client, in the words that it can be set with. No secret: those are stored as hashes. */
export function writtenOfClient(client: Client): Readonly<Record<string, unknown>> {
  const { lifetimes, refresh, description, ...plain } = client
  const from: Readonly<Record<string, unknown>> = { ...plain, ...lifetimes, ...refresh, ...description }
  const keys = clientKeys.filter(key => key !== 'secrets' && from[camelCase(key)] !== undefined)
  return Object.fromEntries(keys.map(key => [key, from[camelCase(key)]]))
}

function inCode(settings: ClientSettings, keys: readonly (keyof WrittenClient)[]): Partial<Client> {
  const from = settings as Partial<WrittenClient>
  return Object.fromEntries(keys.flatMap(key => (from[key] === undefined ? [] : [[camelCase(key), from[key]]])))
}

/** The words are the same; only `protocol` and this file know the other spelling. */
function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
