import { describe, expect, test } from 'vitest'
import type { Client } from '../clients/client.ts'
import { sampleClient, sampleRandom, sampleUser } from '../sample-rows.ts'
import { changesSubjects, epochsToTell, sectorOf, subjectOf } from './subject.ts'

const key = sampleRandom('pairwise')(32)
const user = sampleUser()
const other = sampleUser({ id: 'AZxSample-User--000002' })
const pairwise = sampleClient({ id: 'a', subjectType: 'pairwise', redirectUris: ['https://a.example/callback'] })

test('public is the user’s id', () => {
  expect(subjectOf(sampleClient(), user, key)).toBe(user.id)
})

test('uuid is the user’s id, written as a UUID (RFC 9562 §4), and no entry about the user matches it', () => {
  const client = sampleClient({ subjectType: 'uuid' })
  const id = Buffer.from('3b241101e2bb42558caf4136c566a962', 'hex').toString('base64url')
  expect(subjectOf(client, sampleUser({ id }), key)).toBe('3b241101-e2bb-4255-8caf-4136c566a962')
  expect(epochsToTell(client, { all: 1, user: 2, client: 3, grant: 4 })).toEqual({ all: 1, client: 3 })
  expect(changesSubjects(sampleClient(), client)).toBe(true)
})

test('connection is how the first connection called them, or the password and our id', () => {
  const client = sampleClient({ subjectType: 'connection' })
  const known = sampleUser({ firstIdentity: { connection: 'google', subject: '1|17' } })
  expect(subjectOf(client, known, key)).toBe('google|1|17')
  expect(subjectOf(client, user, key)).toBe(`password|${user.id}`)
})

test('connection: no two identities are one subject, whatever is in their names', () => {
  const client = sampleClient({ subjectType: 'connection' })
  const sub = (connection: string, subject: string): string =>
    subjectOf(client, sampleUser({ firstIdentity: { connection, subject } }), key)
  expect(sub('trusted:a|b', 'c')).toBe('trusted:a%7Cb|c')
  expect(sub('trusted:a', 'b|c')).toBe('trusted:a|b|c')
  expect(sub('trusted:a%7Cb', 'c')).toBe('trusted:a%257Cb|c')
})

test('pairwise is always the same in one sector, and another for each user, sector and key (OpenID Connect Core §8.1)', () => {
  const sub = subjectOf(pairwise, user, key)
  const elsewhere = { ...pairwise, id: 'b', redirectUris: ['https://b.example/callback'] }
  expect(subjectOf({ ...pairwise, id: 'twin', redirectUris: ['https://a.example/else'] }, user, key)).toBe(sub)
  expect(subjectOf({ ...elsewhere, sectorIdentifier: 'a.example' }, user, key)).toBe(sub)
  const others = [
    subjectOf(pairwise, other, key),
    subjectOf(elsewhere, user, key),
    subjectOf(pairwise, user, sampleRandom('another')(32)),
    user.id,
  ]
  expect(new Set([sub, ...others]).size).toBe(5)
  expect(sub).toMatch(/^[\w-]{43}$/)
})

test('a pairwise client without redirect URIs is a sector of its own, and cannot be named like somebody’s host', () => {
  const lonely = { ...pairwise, redirectUris: [] }
  const sub = subjectOf(lonely, user, key)
  expect(subjectOf({ ...lonely, id: 'b' }, user, key)).not.toBe(sub)
  expect(subjectOf({ ...lonely, id: 'a.example' }, user, key)).not.toBe(subjectOf(pairwise, user, key))
})

describe('the sector', () => {
  const of = (redirectUris: string[], more: Partial<Client> = {}) =>
    sectorOf(sampleClient({ id: 'x', redirectUris, ...more }))
  const itself = { clientId: 'x' }

  test('is what is declared, or the one host of the redirect URIs', () => {
    expect(of(['https://a.example/1', 'https://a.example:8443/2'])).toEqual({ host: 'a.example' })
    expect(of(['https://a.example/', 'https://b.example/'])).toBeUndefined()
    expect(of(['https://a.example/'], { sectorIdentifier: 'x.example' })).toEqual({ host: 'x.example' })
    expect(of([], { sectorIdentifier: 'x.example' })).toEqual({ host: 'x.example' })
  })

  test.each([
    [],
    ['http://127.0.0.1/cb'],
    ['http://[::1]/cb', 'http://localhost:3000/cb'],
    ['https://localhost/cb'],
    ['com.example.app:/callback'],
    ['com.example.app://login.example/callback', 'http://127.0.0.1/cb'],
  ])('is the client alone where any program could have the address: %s', (...uris) => {
    expect(of(uris)).toEqual(itself)
    expect(of(uris, { origin: 'registered' })).toEqual(itself)
  })

  test('has to be declared where a host stands beside an address of no host', () => {
    expect(of(['https://a.example/', 'http://127.0.0.1/'])).toBeUndefined()
  })

  test.each(['registered', 'metadata'] as const)(
    'of a client that is %s is never a host that it need not be at',
    origin => {
      const grantTypes = ['urn:ietf:params:oauth:grant-type:device_code'] as const
      const claimed = { origin, sectorIdentifier: 'a.example' }
      expect(of(['https://a.example/'], { origin })).toEqual({ host: 'a.example' })
      expect(of(['https://a.example/'], { ...claimed, grantTypes })).toEqual(itself)
      expect(of(['https://a.example/'], { origin, grantTypes: ['authorization_code', ...grantTypes] })).toEqual(itself)
      expect(of(['https://a.example/', 'http://127.0.0.1/'], claimed)).toEqual(itself)
      expect(of([], claimed)).toEqual(itself)
    },
  )
})

test('epochs of the user are told where sub is the user’s id, and nowhere else', () => {
  const epochs = { all: 1, user: 2, client: 3, grant: 4 }
  expect(epochsToTell(sampleClient(), epochs)).toBe(epochs)
  expect(epochsToTell(pairwise, epochs)).toEqual({ all: 1, client: 3 })
  expect(epochsToTell(sampleClient({ subjectType: 'connection' }), epochs)).toEqual({ all: 1, client: 3 })
})

test('another kind of subject or another sector makes strangers of its users', () => {
  expect(changesSubjects(pairwise, { ...pairwise, redirectUris: ['https://a.example/else'] })).toBe(false)
  expect(changesSubjects(pairwise, { ...pairwise, redirectUris: ['https://b.example/'] })).toBe(true)
  expect(changesSubjects(pairwise, { ...pairwise, subjectType: 'public' })).toBe(true)
  expect(changesSubjects(sampleClient(), sampleClient({ redirectUris: ['https://b.example/'] }))).toBe(false)
})
