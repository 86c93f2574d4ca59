/**
 * A person as one connection tells of them, in the field's standard terms (OpenID Connect Core §5.1) and whatever the provider called it. Absent: not told, or not
 * fit to be stored.
 */
export interface Person {
  /** The id at the provider: stable, and never given to another. 1 to 255 characters. */
  readonly subject: string
  /** As the provider wrote it; whether it is an address at all is judged by who stores it. */
  readonly email?: string
  /** True only if the provider vouches that the address is this person's. */
  readonly emailVerified: boolean
  readonly name?: string
  readonly profile: PersonProfile
}

export interface PersonProfile {
  readonly givenName?: string
  readonly familyName?: string
  readonly middleName?: string
  readonly nickname?: string
  readonly preferredUsername?: string
  readonly profileUrl?: string
  readonly pictureUrl?: string
  readonly websiteUrl?: string
  readonly locale?: string
  readonly zoneinfo?: string
}

/** What a preset has read; nothing of it is believed yet. */
export type ReadPerson = {
  readonly subject: unknown
  readonly email?: unknown
  readonly emailVerified?: unknown
  readonly name?: unknown
} & { readonly [Key in keyof PersonProfile]?: unknown }

const charactersAtMost = 200
/** Control characters, and those that turn the direction of text: a name must not rearrange the page that it stands on. */
const refused = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

/** Keeps what is what it should be. `undefined`: there is no id, so there is nobody. */
export function personOf(read: ReadPerson): Person | undefined {
  const subject = subjectOf(read.subject)
  if (subject === undefined) return undefined
  const email = words(read.email, 254)
  const name = words(read.name)
  const profile = {
    givenName: words(read.givenName),
    familyName: words(read.familyName),
    middleName: words(read.middleName),
    nickname: words(read.nickname),
    preferredUsername: words(read.preferredUsername),
    profileUrl: webAddress(read.profileUrl),
    pictureUrl: webAddress(read.pictureUrl),
    websiteUrl: webAddress(read.websiteUrl),
    locale: languageTag(read.locale),
    zoneinfo: words(read.zoneinfo, 50),
  }
  return {
    subject,
    ...(email !== undefined && { email }),
    // Apple writes it as a word.
    emailVerified: email !== undefined && (read.emailVerified === true || read.emailVerified === 'true'),
    ...(name !== undefined && { name }),
    profile: Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined)),
  }
}

/** The claims of OpenID Connect Core §5.1. */
export function standardPerson(claims: Readonly<Record<string, unknown>>): ReadPerson {
  return {
    subject: claims.sub,
    email: claims.email,
    emailVerified: claims.email_verified,
    name: claims.name,
    givenName: claims.given_name,
    familyName: claims.family_name,
    middleName: claims.middle_name,
    nickname: claims.nickname,
    preferredUsername: claims.preferred_username,
    profileUrl: claims.profile,
    pictureUrl: claims.picture,
    websiteUrl: claims.website,
    locale: claims.locale,
    zoneinfo: claims.zoneinfo,
  }
}

/** Ids that come as a number stay exact: a larger one has lost digits already. */
function subjectOf(value: unknown): string | undefined {
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  return typeof text === 'string' && text.length > 0 && text.length <= 255 && !refused.test(text) ? text : undefined
}

function words(value: unknown, atMost: number = charactersAtMost): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  return text === '' || text.length > atMost || refused.test(text) ? undefined : text
}

function webAddress(value: unknown): string | undefined {
  const url = typeof value === 'string' && value.length <= 2000 ? URL.parse(value) : null
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') ? url.href : undefined
}

function languageTag(value: unknown): string | undefined {
  const text = words(value, 35)?.replaceAll('_', '-')
  return text !== undefined && /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(text) ? text : undefined
}
