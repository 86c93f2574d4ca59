import type { RunningSystem } from '@countersign/cli'
import type { Profile } from '@countersign/core'

/** The user whom the suite signs in. */
export const person = {
  email: 'suite@example.com',
  password: 'conformance is a plan',
  name: 'Robin Suite',
} as const

/** Every claim of OpenID Connect Core §5.1, so that the suite can see each scope told whole. */
const profile: Profile = {
  givenName: 'Robin',
  familyName: 'Suite',
  middleName: 'Q',
  nickname: 'Rob',
  preferredUsername: 'robin',
  profileUrl: 'https://example.com/robin',
  pictureUrl: 'https://example.com/robin.png',
  websiteUrl: 'https://example.com/',
  gender: 'unspecified',
  birthdate: '1990-04-01',
  zoneinfo: 'Europe/Zurich',
  locale: 'en-US',
  phoneNumber: '+41440000000',
  phoneNumberVerified: true,
  address: {
    formatted: 'Example Street 1\n8000 Zurich\nSwitzerland',
    streetAddress: 'Example Street 1',
    locality: 'Zurich',
    region: 'ZH',
    postalCode: '8000',
    country: 'Switzerland',
  },
}

/** Signs the person up, if they are not yet there. What no endpoint sets (the profile, that the address is theirs) is written to the store. */
export async function describePerson({ address, store }: RunningSystem): Promise<void> {
  const answer = await fetch(`${address}/v1/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(person),
  })
  if (answer.status !== 201 && answer.status !== 409) throw new Error(`sign-up: ${answer.status}`)
  const { user, now } = await store.loadUserByEmail(person.email)
  if (user === undefined) throw new Error(`${person.email} is not there`)
  const row = { ...user, profile: { ...profile, updatedAt: now }, emailVerifiedAt: now }
  const done = await store.commit({
    writes: [{ table: 'user', row }],
    entries: [],
    audit: [],
    durable: true,
    time: now,
  })
  if (done !== 'committed') throw new Error('The user was changed meanwhile; start again.')
}
