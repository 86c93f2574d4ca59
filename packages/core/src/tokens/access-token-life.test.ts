import { describe, expect, test } from 'vitest'
import { declareClient, defaultLifetimes } from '../clients/client.ts'
import { accessTokenLife } from './access-token-life.ts'

const client = declareClient({ id: 'app', lifetimes: { ...defaultLifetimes, accessTokenSeconds: 600 } })
const apis = new Map([
  ['urn:notes', 900],
  ['urn:payments', 60],
  ['urn:reports', 300],
])

describe('an access token lives', () => {
  test('as long as its client says, if it reaches no API with a word of its own', () => {
    expect(accessTokenLife(client, [], apis)).toBe(600)
    expect(accessTokenLife(client, ['urn:other'], apis)).toBe(600)
  })

  test('no longer than any API that it reaches wants it', () => {
    expect(accessTokenLife(client, ['urn:reports'], apis)).toBe(300)
    expect(accessTokenLife(client, ['urn:reports', 'urn:payments', 'urn:other'], apis)).toBe(60)
  })

  test('never longer than its client says', () => {
    expect(accessTokenLife(client, ['urn:notes'], apis)).toBe(600)
  })
})
