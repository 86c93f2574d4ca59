import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { presets } from './all-presets.ts'
import { writtenConnection } from './connection-settings.ts'
import { createConnection } from './create-connection.ts'
import { oauth2 } from './generic-presets.ts'
import { type Person, personOf } from './person.ts'
import type { Told } from './preset.ts'
import { presetNames } from './preset-names.ts'

/** What each provider answers, in the shape that its documentation shows, and what we make of it. */
const folder = new URL('testing/recorded/', import.meta.url)
const recorded = (name: string): { told: Partial<Told>; person: Person } =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))

const nothing: Told = { claims: {}, userinfo: {}, emails: undefined, carried: {} }

test('there is a recorded answer for every preset, and none besides', () => {
  const names = readdirSync(folder).map(file => file.replace('.json', ''))
  expect(names.sort()).toEqual([...presetNames].sort())
})

describe.each(presetNames)('%s', name => {
  const preset = presets[name]

  test('its recorded answer is read as the person it is', () => {
    const { told, person } = recorded(name)
    expect(personOf(preset.person({ ...nothing, ...told }))).toEqual(person)
  })

  test('an empty answer is nobody', () => {
    expect(personOf(preset.person(nothing))).toBeUndefined()
  })

  test('either says where it is, or where it describes itself; by TLS', () => {
    const issuer = typeof preset.issuer === 'function' ? preset.issuer({ tenant: 'common' }) : preset.issuer
    const { authorization, token, userinfo } = preset.endpoints ?? {}
    const addresses = issuer === undefined ? [authorization, token, userinfo] : [issuer]
    for (const address of addresses) expect(new URL(address ?? '').protocol).toBe('https:')
  })
})

test('an address that the provider does not vouch for is not verified: Microsoft, whose tenants write it, whatever the claim says', () => {
  const settings = { name: 'microsoft', client_id: 'x', client_secret: 'y' }
  expect(createConnection(settings).trustsEmail).toBe(false)
  expect(createConnection({ ...settings, trust_email: true }).trustsEmail).toBe(true)
  expect(createConnection({ ...settings, name: 'google' }).trustsEmail).toBe(true)
})

test.each([['false'], [0], ['yes'], [{}], [undefined]])(
  'CVE-2026-134312, CVE-2026-55216, CVE-2026-15611: an address is verified by true alone, and Apple’s "true"; not by %j',
  email_verified => {
    const read = (verified: unknown) =>
      personOf(
        presets.gitlab.person({ ...nothing, userinfo: { sub: '1', email: 'a@b.example', email_verified: verified } }),
      )
    expect([read(email_verified), read(true), read('true')].map(one => one?.emailVerified)).toEqual([false, true, true])
  },
)

test('GitHub: the address that a user has typed on their profile counts for nothing', () => {
  const { told } = recorded('github')
  const person = personOf(presets.github.person({ ...nothing, ...told, emails: undefined }))
  expect([person?.email, person?.emailVerified]).toEqual([undefined, false])
})

describe('GHSA-wpfr-6297-9v57: what is not fit to be stored is left away', () => {
  const { told } = recorded('gitlab')
  const read = (more: object): Person | undefined =>
    personOf(presets.gitlab.person({ ...nothing, ...told, userinfo: { ...told.userinfo, ...more } }))

  test.each([
    ['a name that turns the direction of the page', { name: 'maria\u202egnp' }],
    ['a name of many lines', { name: 'Maria\nLopez' }],
    ['a name without an end', { name: 'm'.repeat(201) }],
    ['a name that is none', { name: { first: 'Maria' } }],
  ])('%s', (_what, more) => {
    expect(read(more)?.name).toBeUndefined()
  })

  test.each([['javascript:alert(1)'], ['data:text/html,x'], ['//evil.example'], [42]])('a picture at %s', picture => {
    expect(read({ picture })?.profile.pictureUrl).toBeUndefined()
  })

  test.each([[''], [null], [{}], [Number.MAX_SAFE_INTEGER + 2], ['x'.repeat(256)], ['a\0b']])(
    'and without an id that can be one there is nobody: %j',
    sub => {
      expect(read({ sub })).toBeUndefined()
    },
  )
})

test('any OAuth 2.0 provider: the configuration says where things are', () => {
  const preset = oauth2({ subject: 'user.uuid', email: 'user.mail', picture: 'links.avatar', name: 'user.constructor' })
  const userinfo = { user: { uuid: 'u-1', mail: 'maria@example.com' }, links: { avatar: 'https://p.example/1' } }
  expect(personOf(preset.person({ ...nothing, userinfo }))).toEqual({
    subject: 'u-1',
    email: 'maria@example.com',
    emailVerified: false,
    profile: { pictureUrl: 'https://p.example/1' },
  })
})

describe('a configuration that cannot work says why', () => {
  const credentials = { client_id: 'x', client_secret: 'y' }
  const apple = { name: 'apple', client_id: 'x' }
  test.each<[string, object, string]>([
    ['no issuer', { name: 'work', ...credentials }, 'issuer: is needed, or a preset'],
    ['plain HTTP', { name: 'work', issuer: 'http://id.example', ...credentials }, 'issuer: must be an https: URL'],
    ['no secret', { name: 'google', client_id: 'x' }, 'client_secret: is needed, or "authentication": "none"'],
    ['no key for Apple', apple, 'team_id: is needed for Apple'],
    ['OAuth 2.0 from nowhere', { name: 'a', preset: 'oauth2', ...credentials }, 'endpoints: needs authorization'],
    [
      'and nobody',
      { name: 'a', preset: 'oauth2', ...credentials },
      'profile: needs subject: where the id of the person is',
    ],
    ['the name of the password', { name: 'password', ...credentials }, 'name: is the name of another way to sign in'],
    ['capitals', { name: 'Google', ...credentials }, 'name: must be up to 32 small letters, digits and hyphens'],
  ])('%s', (_what, written, message) => {
    const problems = writtenConnection.safeParse(written).error?.issues ?? []
    expect(problems.map(one => `${one.path.join('.')}: ${one.message}`)).toContain(message)
  })

  test('one that can: a preset, one under another name, a provider of one’s own', () => {
    const own = { name: 'work', issuer: 'https://id.example', ...credentials }
    for (const written of [{ name: 'google', ...credentials }, { name: 'g2', preset: 'google', ...credentials }, own]) {
      expect(writtenConnection.safeParse(written).success).toBe(true)
    }
  })
})
