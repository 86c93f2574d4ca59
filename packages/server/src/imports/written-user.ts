import { connectionName } from '@countersign/connections/settings'
import {
  emailKey,
  type Identity,
  type Instant,
  idOf,
  type Profile,
  type Rights,
  rightsBytesAtMost,
  rightsFit,
} from '@countersign/core'
import { parseStrictObject, type Refusal, refuse } from '@countersign/protocol'
import * as z from 'zod'
import { tidyRights, writtenRights } from '../claims/change-rights.ts'
import { refusedInNames } from '../sign-in/create-user.ts'

/** A user as a line of an import tells of them, read and checked by itself. */
export interface WrittenUser {
  readonly id: string | undefined
  readonly email: string | null
  readonly isEmailVerified: boolean
  readonly name: string | null
  readonly profile: Profile
  readonly rights: Rights
  readonly isDisabled: boolean
  readonly createdAt: Instant | undefined
  readonly identities: readonly Pick<Identity, 'connection' | 'subject'>[]
  readonly passwordHash: string | null
}

const words = (atMost: number) =>
  z
    .string()
    .min(1)
    .max(atMost)
    .refine(text => !refusedInNames.test(text), 'holds a character that cannot be used')
const webAddress = z
  .string()
  .max(2_000)
  .refine(text => /^https?:$/.test(URL.parse(text)?.protocol ?? ''), 'is no web address')
const time = z.iso.datetime({ offset: true })

/** In the words of OpenID Connect Core §5.1. */
const profile = z.strictObject({
  given_name: words(200).optional(),
  family_name: words(200).optional(),
  middle_name: words(200).optional(),
  nickname: words(200).optional(),
  preferred_username: words(200).optional(),
  profile: webAddress.optional(),
  picture: webAddress.optional(),
  website: webAddress.optional(),
  gender: words(50).optional(),
  birthdate: z
    .string()
    .regex(/^\d{4}(-\d\d-\d\d)?$/)
    .optional(),
  zoneinfo: words(50).optional(),
  locale: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
    .max(35)
    .optional(),
  phone_number: z
    .string()
    .regex(/^\+[1-9]\d{4,14}$/)
    .optional(),
  phone_number_verified: z.boolean().optional(),
  address: z
    .strictObject({
      formatted: z.string().max(1_000).optional(),
      street_address: z.string().max(500).optional(),
      locality: words(200).optional(),
      region: words(200).optional(),
      postal_code: words(50).optional(),
      country: words(100).optional(),
    })
    .optional(),
})

const line = z.strictObject({
  id: z.string().max(40).optional(),
  email: z.string().max(254).optional(),
  email_verified: z.boolean().optional(),
  name: words(200).optional(),
  profile: profile.optional(),
  roles: z.unknown().optional(),
  groups: z.unknown().optional(),
  permissions: z.unknown().optional(),
  attributes: z.unknown().optional(),
  disabled: z.boolean().optional(),
  created_at: time.optional(),
  identities: z
    .array(
      z.strictObject({
        connection: z.union([connectionName, z.string().regex(/^trusted:[\x21-\x7e]{1,200}$/)]),
        subject: words(255),
      }),
    )
    .max(20)
    .optional(),
  password_hash: z.string().max(1_024).optional(),
})

type Line = z.infer<typeof line>

/** What is wrong is told by the name of the member, and never by what stands there: it may be a hash. */
export function readWrittenUser(text: string, now: Instant): WrittenUser | Refusal {
  const object = parseStrictObject(text)
  if (object === undefined) return refuse('request_malformed', { detail: 'The line is no JSON object.' })
  const read = line.safeParse(object)
  if (!read.success) return wrong(read.error)
  const { roles, groups, permissions, attributes } = read.data
  const rights = writtenRights.safeParse({ roles, groups, permissions, attributes })
  if (!rights.success) return wrong(rights.error)
  return checked(read.data, tidyRights({ ...noneOf(rights.data) }), now)
}

function noneOf(said: { readonly [Key in keyof Rights]?: Rights[Key] | undefined }): Rights {
  const { roles = [], groups = [], permissions = [], attributes = {} } = said
  return { roles, groups, permissions, attributes }
}

function checked(said: Line, rights: Rights, now: Instant): WrittenUser | Refusal {
  const { email, name, identities = [], password_hash: passwordHash } = said
  if (email !== undefined && emailKey(email) === null) return refuse('email_invalid')
  if (email === undefined && (said.email_verified === true || passwordHash !== undefined)) {
    return invalid('email: is missing, which email_verified and password_hash are about')
  }
  if (email === undefined && identities.length === 0 && said.id === undefined) {
    return invalid('email: is missing, and so are id and identities')
  }
  if (new Set(identities.map(one => JSON.stringify([one.connection, one.subject]))).size < identities.length) {
    return invalid('identities: the same one stands there twice')
  }
  if (!rightsFit(rights)) return invalid(`rights: all of them together can have ${rightsBytesAtMost} bytes of JSON`)
  const createdAt = said.created_at === undefined ? undefined : Date.parse(said.created_at)
  if (createdAt !== undefined && !(createdAt >= 0 && createdAt <= now)) return invalid('created_at: is not in the past')
  const id = said.id === undefined ? undefined : idOf(said.id)
  if (said.id !== undefined && id === undefined) return invalid('id: is neither an id of ours nor a UUID')
  return {
    id,
    email: email?.trim() ?? null,
    isEmailVerified: said.email_verified === true,
    name: name ?? null,
    profile: profileOf(said.profile ?? {}),
    rights,
    isDisabled: said.disabled === true,
    createdAt,
    identities,
    passwordHash: passwordHash ?? null,
  }
}

function profileOf(said: z.infer<typeof profile>): Profile {
  const { address } = said
  return known<Profile>({
    givenName: said.given_name,
    familyName: said.family_name,
    middleName: said.middle_name,
    nickname: said.nickname,
    preferredUsername: said.preferred_username,
    profileUrl: said.profile,
    pictureUrl: said.picture,
    websiteUrl: said.website,
    gender: said.gender,
    birthdate: said.birthdate,
    zoneinfo: said.zoneinfo,
    locale: said.locale,
    phoneNumber: said.phone_number,
    phoneNumberVerified: said.phone_number_verified,
    address:
      address &&
      known({
        formatted: address.formatted,
        streetAddress: address.street_address,
        locality: address.locality,
        region: address.region,
        postalCode: address.postal_code,
        country: address.country,
      }),
  })
}

function known<T extends object>(said: { readonly [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as T
}

function invalid(detail: string): Refusal {
  return refuse('parameter_invalid', { detail: `${detail}.` })
}

function wrong({ issues: [issue] }: z.ZodError): Refusal {
  const path = issue?.path ?? []
  // What attributes are called is the file's text, as is the name of a member that is not known.
  const where = (path[0] === 'attributes' ? ['attributes'] : path).join('.') || 'the line'
  if (issue?.code === 'unrecognized_keys') return invalid(`${where}: has a member that is not known here`)
  return invalid(`${where}: ${issue?.code === 'custom' ? issue.message : 'has a value that is not allowed'}`)
}
