import { describe, expect, test } from 'vitest'
import { sampleDevice, sampleIssuer, sampleRandom, sampleTime, sampleUser } from '../sample-rows.ts'
import { type Identity, newIdentity, type ToldPerson, type User } from '../users/user.ts'
import { type Arrival, type Arrived, judgeArrival } from './arrival.ts'

const told: ToldPerson = {
  email: 'maria@example.com',
  emailVerified: true,
  name: 'Maria',
  profile: { givenName: 'Maria', pictureUrl: 'https://p.example/1' },
}
const user: User = sampleUser({ emailVerifiedAt: 5, profile: told.profile })
const identity: Identity = {
  ...newIdentity({ connection: 'google', subject: '42', userId: user.id, linkedAt: 5, told }),
  version: 1,
}

function arrive(more: Partial<Arrival> & { user?: User | undefined; identity?: Identity | undefined } = {}) {
  const snapshot = { now: sampleTime, issuer: sampleIssuer(), user: more.user, identity: more.identity }
  return judgeArrival({
    snapshot,
    connection: 'google',
    subject: '42',
    told,
    addressOwner: undefined,
    sealedTokens: undefined,
    refusesNew: undefined,
    device: sampleDevice,
    random: sampleRandom(),
    ...more,
  })
}

const arrived = (outcome: ReturnType<typeof judgeArrival>): Arrived => {
  if ('refused' in outcome) throw new Error(outcome.reason)
  return outcome
}

describe('the first sign-in with an identity', () => {
  test('makes user, identity and what was told and given in one change', () => {
    const outcome = arrived(arrive({ sealedTokens: 'sealed' }))
    expect(outcome.user).toMatchObject({
      email: 'maria@example.com',
      emailVerifiedAt: sampleTime,
      name: 'Maria',
      passwordHash: null,
      profile: told.profile,
      firstIdentity: { connection: 'google', subject: '42' },
    })
    expect(outcome.change?.writes.map(({ table }) => table)).toEqual(['user', 'identity'])
    expect(outcome.change?.writes[1]?.row).toMatchObject({ userId: outcome.user.id, told, sealedTokens: 'sealed' })
    expect(outcome.change?.audit.map(({ event }) => event)).toEqual(['user.created'])
    expect(outcome.change?.durable).toBe(true)
  })

  test('attack 34 (GHSA-qq9h-g4jm-xgf3): an address that nobody vouches for is not taken: it would be kept from its owner', () => {
    const outcome = arrived(arrive({ told: { ...told, emailVerified: false } }))
    expect([outcome.user.email, outcome.user.emailVerifiedAt]).toEqual([null, null])
  })

  test.each(['victim＠example.com', 'no address', 'a@b@example.com'])('nor is %s, whoever vouches for it', email => {
    expect(arrived(arrive({ told: { ...told, email } })).user.email).toBeNull()
  })

  test('attack 34 (GHSA-g38m-r43w-p2q7): an address that somebody has leads to nobody’s account, verified or not', () => {
    for (const emailVerifiedAt of [null, 5]) {
      const addressOwner = sampleUser({ emailVerifiedAt })
      expect(arrive({ addressOwner })).toMatchObject({ reason: 'connection_account_exists' })
    }
  })

  test('is refused where nobody may make an account', () => {
    expect(arrive({ refusesNew: 'signup_closed' })).toMatchObject({ reason: 'signup_closed' })
  })

  test('an identity that was taken off somebody is not theirs any more: a new user, over the old row', () => {
    const outcome = arrived(arrive({ identity: { ...identity, unlinkedAt: 7, version: 3 } }))
    // Applications may still call that one by it.
    expect(outcome.user.firstIdentity).toBeNull()
    expect(outcome.user.id).not.toBe(user.id)
    const row = outcome.change?.writes[1]?.row
    expect(row).toMatchObject({ userId: outcome.user.id, unlinkedAt: null, version: 3 })
  })
})

describe('a later one', () => {
  test('with nothing new writes nothing', () => {
    expect(arrive({ user, identity })).toEqual({ user })
    const inAnotherOrder = { ...told, profile: { pictureUrl: 'https://p.example/1', givenName: 'Maria' } }
    expect(arrive({ user, identity, told: inAnotherOrder })).toEqual({ user })
  })

  test('brings what has changed there, says when, and leaves alone what has become of the rest here', () => {
    const own = { ...user, name: 'Maria L.', profile: { ...user.profile, nickname: 'Mia' } }
    const changed = { ...told, profile: { givenName: 'Mary', locale: 'es' } }
    const outcome = arrived(arrive({ user: own, identity, told: changed }))
    expect(outcome.user.name).toBe('Maria L.')
    expect(outcome.user.profile).toEqual({ givenName: 'Mary', locale: 'es', nickname: 'Mia', updatedAt: sampleTime })
    expect(outcome.change?.writes).toMatchObject([
      { table: 'user', row: { version: user.version } },
      { table: 'identity', row: { told: changed, version: identity.version } },
    ])
  })

  test('never changes the address of an account; one that is vouched for is verified by that', () => {
    const moved = arrived(arrive({ user, identity, told: { ...told, email: 'other@example.com' } }))
    expect(moved.user.email).toBe('maria@example.com')
    const unverified = { ...user, emailVerifiedAt: null }
    expect(arrived(arrive({ user: unverified, identity })).user.emailVerifiedAt).toBe(sampleTime)
    const hearsay = { ...told, emailVerified: false }
    expect(arrived(arrive({ user: unverified, identity, told: hearsay })).user.emailVerifiedAt).toBeNull()
  })

  test('gives an account without an address the first that is vouched for, unless somebody has it', () => {
    const bare = { ...user, email: null, emailVerifiedAt: null }
    expect(arrived(arrive({ user: bare, identity })).user.email).toBe('maria@example.com')
    const addressOwner = sampleUser({ id: 'AZxSample-User--00000A' })
    expect(arrived(arrive({ user: bare, identity, addressOwner })).user.email).toBeNull()
  })

  test('with new tokens writes the identity alone', () => {
    const { change } = arrived(arrive({ user, identity, sealedTokens: 'new' }))
    expect(change?.writes).toMatchObject([{ table: 'identity', row: { sealedTokens: 'new' } }])
  })

  test.each([{ disabledAt: 5 }, { deletedAt: 5 }])('of an account that is %o is refused', state => {
    expect(arrive({ user: { ...user, ...state }, identity })).toMatchObject({ reason: 'user_disabled' })
  })
})
