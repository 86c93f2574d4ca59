import type { User } from './user.ts'

/** What is told of a person, by its name in OpenID Connect Core §5.1. Absent: not known. */
export type StandardClaims = Readonly<Record<string, unknown>>

const claimsOfScope: Readonly<Record<string, (user: User) => StandardClaims>> = {
  profile: profileClaims,
  email: ({ email, emailVerifiedAt }) => (email === null ? {} : { email, email_verified: emailVerifiedAt !== null }),
  address: addressClaims,
  phone: ({ profile: { phoneNumber, phoneNumberVerified = false } }) =>
    phoneNumber === undefined ? {} : { phone_number: phoneNumber, phone_number_verified: phoneNumberVerified },
}

/** Scopes that stand for claims (§5.4). */
export const claimScopes: readonly string[] = Object.keys(claimsOfScope)

/** The names of the claims about a person that this server can tell, by the scope that stands for them. */
const namesOfScope: Readonly<Record<string, readonly string[]>> = {
  profile: [
    'name',
    'given_name',
    'family_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

/** All of them. */
export const standardClaimNames: readonly string[] = Object.values(namesOfScope).flat()

/** The scope that a claim stands in (§5.4); `undefined` for one that tells nothing about a person. */
export function scopeOfClaim(name: string): string | undefined {
  return claimScopes.find(scope => namesOfScope[scope]?.includes(name))
}

/** All that is known of a person. */
export function standardClaimsOf(user: User): StandardClaims {
  return Object.assign({}, ...Object.values(claimsOfScope).map(tell => tell(user)))
}

/** What the words of a scope tell (§5.4), and single claims that were asked for (§5.5), as far as they are known. */
export function claimsAbout(
  user: User,
  asked: { readonly scopes: readonly string[]; readonly single: readonly string[] },
): StandardClaims {
  const told = asked.scopes.flatMap(scope =>
    Object.hasOwn(claimsOfScope, scope) ? [claimsOfScope[scope]?.(user)] : [],
  )
  if (asked.single.length === 0) return Object.assign({}, ...told)
  const single = Object.fromEntries(
    Object.entries(standardClaimsOf(user)).filter(([name]) => asked.single.includes(name)),
  )
  return Object.assign({}, ...told, single)
}

function profileClaims({ name, profile, createdAt }: User): StandardClaims {
  return known({
    name: name ?? undefined,
    given_name: profile.givenName,
    family_name: profile.familyName,
    middle_name: profile.middleName,
    nickname: profile.nickname,
    preferred_username: profile.preferredUsername,
    profile: profile.profileUrl,
    picture: profile.pictureUrl,
    website: profile.websiteUrl,
    gender: profile.gender,
    birthdate: profile.birthdate,
    zoneinfo: profile.zoneinfo,
    locale: profile.locale,
    updated_at: Math.floor((profile.updatedAt ?? createdAt) / 1000),
  })
}

function addressClaims({ profile: { address } }: User): StandardClaims {
  if (address === undefined) return {}
  const parts = known({
    formatted: address.formatted,
    street_address: address.streetAddress,
    locality: address.locality,
    region: address.region,
    postal_code: address.postalCode,
    country: address.country,
  })
  return Object.keys(parts).length === 0 ? {} : { address: parts }
}

function known(claims: StandardClaims): StandardClaims {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}
