import * as z from 'zod'
import { presetNames } from './preset-names.ts'

/*
 * One entry of `connections` in the configuration. For people the same stands in docs/connections.md.
 */

const words = (most: number) => z.string().min(1).max(most)

/** Plain HTTP: only to this machine, for tests and demos. */
const address = z.string().refine(text => {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || text.includes('#')) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isOwn(url.hostname))
}, 'must be an https: URL')

const endpointNames = ['authorization', 'token', 'userinfo', 'emails', 'token_check'] as const

/** Where in the provider's document a member of the profile is found. */
const place = z.string().regex(/^[\w-]{1,60}(\.[\w-]{1,60}){0,4}$/, 'must be a member, or members with dots between')

const profileNames = [
  'subject',
  'email',
  'email_verified',
  'name',
  'given_name',
  'family_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'locale',
] as const

/** What a connection may be called, wherever it is named. `password` is how the subject of users without one begins. */
export const connectionName: z.ZodType<string> = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be up to 32 small letters, digits and hyphens')
  .refine(name => name !== 'password', 'is the name of another way to sign in')

const shape = z.strictObject({
  name: connectionName,
  preset: z.enum([...presetNames, 'openid', 'oauth2']).optional(),
  title: words(40).optional(),
  client_id: words(300),
  client_secret: words(2000).optional(),
  issuer: address.optional(),
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9.-]{1,100}$/, 'must be a tenant id or domain')
    .optional(),
  endpoints: z.partialRecord(z.enum(endpointNames), address).optional(),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'must be a scope'))
    .max(50)
    .optional(),
  parameters: z
    .record(words(60), words(500))
    .refine(({ max_age: age = '0' }) => /^\d{1,9}$/.test(age), 'max_age must be a number of seconds')
    .optional(),
  profile: z.partialRecord(z.enum(profileNames), place).optional(),
  authentication: z.enum(['basic', 'post', 'none']).optional(),
  pkce: z.boolean().optional(),
  app_client_ids: z.array(words(300)).max(20).optional(),
  keep_tokens: z.boolean().optional(),
  trust_email: z.boolean().optional(),
  sign_up: z.enum(['open', 'invitation', 'closed']).optional(),
  team_id: words(40).optional(),
  key_id: words(40).optional(),
  private_key: words(2000).optional(),
})

/** As it is written in the file. */
export interface WrittenConnection {
  readonly name: string
  readonly preset?: string | undefined
  readonly title?: string | undefined
  readonly client_id: string
  readonly client_secret?: string | undefined
  readonly issuer?: string | undefined
  readonly tenant?: string | undefined
  readonly endpoints?: Partial<Record<(typeof endpointNames)[number], string>> | undefined
  readonly scopes?: string[] | undefined
  readonly parameters?: Record<string, string> | undefined
  readonly profile?: Partial<Record<(typeof profileNames)[number], string>> | undefined
  readonly authentication?: 'basic' | 'post' | 'none' | undefined
  readonly pkce?: boolean | undefined
  readonly app_client_ids?: string[] | undefined
  readonly keep_tokens?: boolean | undefined
  readonly trust_email?: boolean | undefined
  readonly sign_up?: 'open' | 'invitation' | 'closed' | undefined
  readonly team_id?: string | undefined
  readonly key_id?: string | undefined
  readonly private_key?: string | undefined
}

/** The preset that an entry means: its own, or that of its name. */
export function presetNameOf({ name, preset }: Pick<WrittenConnection, 'name' | 'preset'>): string {
  return preset ?? ((presetNames as readonly string[]).includes(name) ? name : 'openid')
}

export const writtenConnection: z.ZodType<WrittenConnection> = shape.superRefine((written, context) => {
  const say = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
  const preset = presetNameOf(written)
  if (preset === 'openid' && written.issuer === undefined) say('issuer', 'is needed, or a preset')
  if (preset === 'oauth2') {
    for (const name of ['authorization', 'token', 'userinfo'] as const) {
      if (written.endpoints?.[name] === undefined) say('endpoints', `needs ${name}`)
    }
    if (written.profile?.subject === undefined) say('profile', 'needs subject: where the id of the person is')
  } else if (written.profile !== undefined) say('profile', 'is for preset "oauth2" alone')
  if (preset === 'apple') {
    for (const name of ['team_id', 'key_id', 'private_key'] as const) {
      if (written[name] === undefined) say(name, 'is needed for Apple')
    }
  } else if (written.client_secret === undefined && written.authentication !== 'none') {
    say('client_secret', 'is needed, or "authentication": "none"')
  }
})

/** The keys of a connection. */
export const connectionKeys: readonly string[] = Object.keys(shape.shape)

/** What may stand in those that are objects with names of ours. */
export const connectionMembers: Readonly<Record<string, readonly string[]>> = {
  endpoints: endpointNames,
  profile: profileNames,
}

export function isOwn(hostname: string): boolean {
  return /^(127(\.\d{1,3}){3}|\[::1\]|localhost|.+\.localhost)$/.test(hostname)
}
