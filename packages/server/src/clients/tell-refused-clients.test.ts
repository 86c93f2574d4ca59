import { afterEach, expect, test } from 'vitest'
import { basic, get, postForm } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, secrets } from '../testing/given.ts'

afterEach(closeGiven)

const wrong = 'wrong-secret-0123456789abcdef01234567'

function told(to: GivenServer): string[] {
  return to.log
    .filter(({ level, text }) => level === 'warn' && text.startsWith('client refused'))
    .map(({ text }) => text)
}

test('an API with a wrong secret at the feed: the log names client and endpoint, once a minute, never the secret', async () => {
  const to = await given.server()
  for (let n = 0; n < 5; n++) {
    expect((await get(to, '/revocations', basic('api', wrong))).body.reason).toBe('client_authentication_failed')
  }
  expect(told(to)).toEqual([
    'client refused {"client":"api","endpoint":"GET /revocations","reason":"client_authentication_failed"}',
  ])
  await to.later(61)
  await get(to, '/revocations', basic('api', wrong))
  expect(told(to)).toHaveLength(2)
  expect(JSON.stringify(to.log)).not.toContain(wrong)
})

test('a client without the scope is told apart, in the answer too', async () => {
  const to = await given.server()
  const answer = await get(to, '/revocations', basic('web', secrets.web))
  expect(answer.body.error_description).toBe("The client needs a secret or a key, and the scope 'revocations'.")
  expect(told(to)).toEqual([
    'client refused {"client":"web","endpoint":"GET /revocations","reason":"client_not_allowed"}',
  ])
})

test('a name that nobody has is not written into the log, nor the user in a path', async () => {
  const to = await given.server()
  await postForm(to, '/token', { grant_type: 'client_credentials', client_id: 'forged-line', client_secret: wrong })
  for (const user of ['a', 'b']) await get(to, `/v1/trusted/users/${user}/sessions`, basic('api', wrong))
  expect(told(to)).toEqual([
    'client refused {"endpoint":"POST /token","reason":"client_authentication_failed"}',
    'client refused {"client":"api","endpoint":"GET /v1/trusted/users/:user/sessions","reason":"client_authentication_failed"}',
  ])
})
