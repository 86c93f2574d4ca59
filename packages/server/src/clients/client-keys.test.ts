import { declareClient } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import type { Outbound } from '../outbound/outbound.ts'
import { assertionFields, assertionKey } from '../testing/assertion-key.ts'
import { postForm } from '../testing/calls.ts'
import { closeGiven, given, sampleClients } from '../testing/given.ts'
import { createClientKeys, readKeys } from './client-keys.ts'

afterEach(closeGiven)

const jwksUri = 'https://job.example/jwks'
const job = declareClient({ id: 'job', jwksUri, grantTypes: ['client_credentials'] })

/** An address that publishes keys, and a clock. */
function publisher() {
  const state = { now: 1_000_000_000, fetches: 0, keys: [{ kid: 'a' }, { kid: 'b' }], isAway: false }
  const outbound: Outbound = async ({ url }) => {
    state.fetches++
    if (state.isAway) return { failed: 'unreachable' }
    expect(url).toBe(jwksUri)
    return { status: 200, header: () => 'application/json', text: JSON.stringify({ keys: state.keys }) }
  }
  return { state, keys: createClientKeys(outbound, () => state.now) }
}

describe('keys that a client publishes', () => {
  test('are fetched once for many who ask, and again when they are no longer fresh', async () => {
    const { state, keys } = publisher()
    const found = await Promise.all(Array.from({ length: 50 }, () => keys.keysOf(job, 'a')))
    expect(found).toEqual(Array.from({ length: 50 }, () => [{ kid: 'a' }, { kid: 'b' }]))
    expect(state.fetches).toBe(1)
    state.now += 300_000
    await keys.keysOf(job, 'a')
    expect(state.fetches).toBe(2)
  })

  test('attack 44: an unknown key id fetches anew at most once in the cool-down', async () => {
    const { state, keys } = publisher()
    for (let index = 0; index < 100; index++) await keys.keysOf(job, `unknown-${index}`)
    expect(state.fetches).toBe(1)
    state.now += 30_000
    state.keys = [{ kid: 'c' }]
    expect(await keys.keysOf(job, 'c')).toEqual([{ kid: 'c' }])
    expect(state.fetches).toBe(2)
  })

  test('hold for an hour while they cannot be fetched, and no longer', async () => {
    const { state, keys } = publisher()
    await keys.keysOf(job, 'a')
    state.isAway = true
    state.now += 3_599_000
    expect(await keys.keysOf(job, 'a')).toHaveLength(2)
    state.now += 31_000
    expect(await keys.keysOf(job, 'a')).toBeUndefined()
  })

  test('that cannot be fetched: 503 with Retry-After, and the address is left alone for a while', async () => {
    let fetches = 0
    const outbound: Outbound = async () => {
      fetches++
      return { failed: 'unreachable' }
    }
    let clock = (): number => 0
    const key = assertionKey(() => clock())
    const to = await given.server({ clients: [...sampleClients, job], outbound })
    clock = to.now
    for (let tries = 0; tries < 3; tries++) {
      const fields = { grant_type: 'client_credentials', ...assertionFields(key.assertion('job')) }
      const answer = await postForm(to, '/token', fields)
      expect([answer.status, answer.body.reason, answer.headers['retry-after']]).toEqual([503, 'unavailable', '30'])
    }
    expect(fetches).toBe(1)
  })

  test('authenticate it', async () => {
    let clock = (): number => 0
    const key = assertionKey(() => clock())
    const outbound: Outbound = async () => ({
      status: 200,
      header: () => 'application/json',
      text: JSON.stringify({ keys: [key.jwk] }),
    })
    const to = await given.server({ clients: [...sampleClients, job], outbound })
    clock = to.now
    const fields = { grant_type: 'client_credentials', ...assertionFields(key.assertion('job')) }
    expect((await postForm(to, '/token', fields)).status).toBe(200)
  })
})

test.each([
  undefined,
  null,
  1,
  {},
  { keys: {} },
  { keys: [1] },
  { keys: [null] },
  { keys: [[]] },
  { keys: Array(21).fill({}) },
])('what is no key set is none: %j', document => {
  expect(readKeys(document)).toBeUndefined()
})
