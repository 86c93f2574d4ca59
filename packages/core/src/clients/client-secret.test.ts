import { describe, expect, test } from 'vitest'
import { sampleTime as now, sampleRandom } from '../sample-rows.ts'
import { declareClient } from './client.ts'
import {
  clientSecretMatches,
  hashClientSecret,
  makeClientSecret,
  secretName,
  withNewSecret,
  withoutSecret,
} from './client-secret.ts'

const [first, second, third] = ['first secret', 'second secret', 'third secret'].map(hashClientSecret) as [
  string,
  string,
  string,
]
const api = declareClient({ id: 'api', secretHashes: [first] })

test('a secret matches its client, also the second one while it is being changed', () => {
  const client = declareClient({ id: 'api', secretHashes: ['old secret', 'new secret'].map(hashClientSecret) })
  expect(clientSecretMatches(client, 'old secret', now)).toBe(true)
  expect(clientSecretMatches(client, 'new secret', now)).toBe(true)
  for (const wrong of ['', 'old secret ', 'Old secret', hashClientSecret('old secret')]) {
    expect(clientSecretMatches(client, wrong, now)).toBe(false)
  }
})

test('a public client matches no secret, and a broken hash matches none either', () => {
  expect(clientSecretMatches(declareClient({ id: 'app' }), '', now)).toBe(false)
  expect(clientSecretMatches(declareClient({ id: 'app', secretHashes: ['', 'short'] }), '', now)).toBe(false)
})

test('a secret that has ended matches no more, the other one does', () => {
  const client = declareClient({ id: 'api', secretHashes: [second, first], secretEnds: { [first]: now } })
  expect(clientSecretMatches(client, 'first secret', now - 1)).toBe(true)
  expect(clientSecretMatches(client, 'first secret', now)).toBe(false)
  expect(clientSecretMatches(client, 'second secret', now)).toBe(true)
})

test('a new secret is long, and recognisable for scanners', () => {
  const random = sampleRandom()
  expect(makeClientSecret(random)).toMatch(/^cs_cs_[A-Za-z0-9_-]{43}$/)
  expect(makeClientSecret(random)).not.toBe(makeClientSecret(random))
})

describe('a rotation', () => {
  test('leaves the newest of the old ones beside the new one, and no third', () => {
    const twice = withNewSecret(withNewSecret(api, second, { now }), third, { now })
    expect(twice.secretHashes).toEqual([third, second])
  })

  test('can end the old one at a time, or at once; never later than it would have ended anyway', () => {
    const later = withNewSecret(api, second, { now, oldEndsAt: now + 1000 })
    expect(later.secretEnds).toEqual({ [first]: now + 1000 })
    expect(withNewSecret(later, third, { now: now + 500 }).secretEnds).toEqual({})
    const ending = { ...api, secretEnds: { [first]: now + 10 } }
    expect(withNewSecret(ending, second, { now, oldEndsAt: now + 1000 }).secretEnds).toEqual({ [first]: now + 10 })
    expect(withNewSecret(api, second, { now, oldEndsAt: now }).secretHashes).toEqual([second])
  })

  test('can give the new one an end', () => {
    expect(withNewSecret(api, second, { now, endsAt: now + 5000 }).secretEnds).toEqual({ [second]: now + 5000 })
  })

  test('drops what has ended already', () => {
    const ended = { ...api, secretEnds: { [first]: now } }
    expect(withNewSecret(ended, second, { now })).toMatchObject({ secretHashes: [second], secretEnds: {} })
  })
})

test('a secret is retired by its name; the last one is not, and what is no name is none', () => {
  const both = withNewSecret(api, second, { now, oldEndsAt: now + 1000 })
  expect(withoutSecret(both, secretName(first))).toMatchObject({ secretHashes: [second], secretEnds: {} })
  expect(withoutSecret(api, secretName(first))).toBeUndefined()
  for (const name of ['', 'x', '__proto__']) expect(withoutSecret(both, name)).toBeUndefined()
})
