/**
 * What is known of a person besides address and name, in the field's standard terms (OpenID Connect Core §5.1) and whatever the connection called it. Absent: not
 * known.
 */
export interface Profile {
  readonly givenName?: string
  readonly familyName?: string
  readonly middleName?: string
  readonly nickname?: string
  readonly preferredUsername?: string
  /** The address of a page about the person. */
  readonly profileUrl?: string
  readonly pictureUrl?: string
  readonly websiteUrl?: string
  readonly gender?: string
  /** `YYYY-MM-DD`, `YYYY`, or `0000-MM-DD` where the year is not told. */
  readonly birthdate?: string
  /** IANA time zone. */
  readonly zoneinfo?: string
  /** BCP 47. */
  readonly locale?: string
  /** E.164. */
  readonly phoneNumber?: string
  readonly phoneNumberVerified?: boolean
  readonly address?: PostalAddress
  /** When name or profile last changed; milliseconds. */
  readonly updatedAt?: number
}

/** OpenID Connect Core §5.1.1. */
export interface PostalAddress {
  readonly formatted?: string
  readonly streetAddress?: string
  readonly locality?: string
  readonly region?: string
  readonly postalCode?: string
  readonly country?: string
}

export const noProfile: Profile = Object.freeze({})
