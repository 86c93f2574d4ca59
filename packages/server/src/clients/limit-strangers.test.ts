import { type ClientOrigin, declareClient } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { assertionFields, assertionKey } from '../testing/assertion-key.ts'
import { postForm, postJson } from '../testing/calls.ts'
import { closeGiven, given } from '../testing/given.ts'
import { limitStrangers } from './limit-strangers.ts'
import { closedRegistration } from './registration/registration-policy.ts'

afterEach(closeGiven)

const jwks = [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }]

describe('what a client may make this server write', () => {
  const ask = async (of: { origin: ClientOrigin; isPublic?: boolean }, addresses: readonly string[]) => {
    const { services } = (await given.server()).server
    const client = declareClient({ id: 'c', origin: of.origin, ...(of.isPublic !== true && { jwks }) })
    const limited = []
    for (const ip of addresses)
      limited.push(isRefusal(await limitStrangers(services, { client, ip, what: 'x', perMinute: 2 })))
    return limited
  }
  const one = ['192.0.2.1', '192.0.2.1', '192.0.2.1']
  const many = ['192.0.2.1', '192.0.2.2', '192.0.2.3']

  test.each(['declared', 'operator'] as const)('is not counted if it has a key and is %s', async origin => {
    expect(await ask({ origin }, one)).toEqual([false, false, false])
  })

  test.each(['registered', 'metadata'] as const)('is counted by address and by client if it is %s', async origin => {
    expect(await ask({ origin }, one)).toEqual([false, false, true])
    expect(await ask({ origin }, many)).toEqual([false, false, true])
  })

  test.each(['declared', 'registered'] as const)('is counted by address alone if it is %s and public', async origin => {
    expect(await ask({ origin, isPublic: true }, one)).toEqual([false, false, true])
    expect(await ask({ origin, isPublic: true }, many)).toEqual([false, false, false])
  })
})

test('a client that has registered its key uses up 240 assertions a minute, and writes no row for more', async () => {
  let rows = 0
  const to = await given.server({
    config: { registration: { ...closedRegistration, mode: 'open' } },
    wrapStore: store => ({
      ...store,
      commit(change) {
        rows += change.writes.filter(({ table }) => table === 'usedOnce').length
        return store.commit(change)
      },
    }),
  })
  const key = assertionKey(to.now)
  const said = { redirect_uris: ['https://new.example/cb'], token_endpoint_auth_method: 'private_key_jwt' }
  const { body } = await postJson(to, '/register', { ...said, jwks: { keys: [key.jwk] } })
  const fields = { grant_type: 'authorization_code', code: 'x', redirect_uri: 'x', code_verifier: 'x' }
  const ask = () => postForm(to, '/token', { ...fields, ...assertionFields(key.assertion(String(body.client_id))) })
  for (let n = 0; n < 240; n++) expect((await ask()).body.reason).toBe('code_invalid')
  const last = await ask()
  expect([last.status, last.body.reason, rows]).toEqual([429, 'too_many_attempts', 240])
  await to.later(60)
  expect((await ask()).body.reason).toBe('code_invalid')
})
