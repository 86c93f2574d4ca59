import { afterEach, expect, test } from 'vitest'
import { browser } from './testing/browser.ts'
import {
  type Answer,
  asApi,
  bearer,
  call,
  get,
  introspect,
  logIn,
  postForm,
  postJson,
  redeem,
  refresh,
  signUp,
} from './testing/calls.ts'
import { closeGiven, given, issuer, password, sampleMaster, secrets } from './testing/given.ts'

afterEach(closeGiven)

/** Everything that must not be told, collected as it is made. */
function secretsOf(): { known: Set<string>; add(...values: unknown[]): void } {
  const known = new Set<string>([password, ...Object.values(secrets), sampleMaster.toString('base64url')])
  return {
    known,
    add(...values) {
      for (const value of values) if (typeof value === 'string' && value.length > 7) known.add(value)
    },
  }
}

test('D7: no log line, no refusal, no header and no stored row holds a token, password, secret, code or cookie', async () => {
  const commits: string[] = []
  const to = await given.server({
    wrapStore: store => ({
      ...store,
      commit(change) {
        commits.push(
          JSON.stringify(change, (_name, value) =>
            value?.type === 'Buffer' ? Buffer.from(value.data).toString('base64url') : value,
          ),
        )
        return store.commit(change)
      },
    }),
  })
  const { known, add } = secretsOf()
  const told: string[] = []
  const tell = (answer: Answer): Answer => {
    if (answer.status >= 400) told.push(answer.text)
    const { 'set-cookie': _cookie, location: _location, 'dpop-nonce': _nonce, ...headers } = answer.headers
    told.push(JSON.stringify(headers))
    return answer
  }
  const keep = (answer: Answer): Answer => {
    add(answer.body.access_token, answer.body.refresh_token)
    return tell(answer)
  }

  await signUp(to)
  const key = to.key()
  const plain = await logIn(to)
  const bound = await logIn(to, { client: 'app', key })
  keep(plain.answer)
  keep(bound.answer)
  await to.later(60)
  const rotated = keep(await refresh(to, plain.refreshToken))
  keep(await refresh(to, bound.refreshToken, { client: 'app', key }))
  keep(await refresh(to, bound.refreshToken, { client: 'app' }))
  keep(await refresh(to, bound.refreshToken, { client: 'bearer-app', key }))
  keep(await refresh(to, `${plain.refreshToken.slice(0, -2)}AA`))
  await to.later(60)
  keep(await refresh(to, String(rotated.body.refresh_token)))
  await to.later(60)
  keep(await refresh(to, plain.refreshToken))

  const page = browser(to)
  tell(await page.signIn())
  for (const value of page.jar.values()) add(value, value.split('.')[1])
  const { code, verifier } = await page.code()
  add(code, verifier)
  tell(await redeem(to, { code, code_verifier: 'x'.repeat(43) }))
  keep(await redeem(to, { code, code_verifier: verifier }))
  tell(await redeem(to, { code, code_verifier: verifier }))
  tell(await page.submit('/sign-in', { email: 'maria@example.com', password: 'a wrong secret password' }))
  tell(await page.submit('/sign-up', { email: 'maria@example.com', password }))
  add('a wrong secret password', 'a wrong client secret')
  tell(
    await postForm(to, '/token', {
      grant_type: 'client_credentials',
      client_id: 'api',
      client_secret: 'a wrong client secret',
    }),
  )
  keep(await postForm(to, '/token', { grant_type: 'client_credentials', client_id: 'api', client_secret: secrets.api }))
  tell(await postJson(to, '/v1/users', { email: 'maria@example.com', password }))
  tell(await postJson(to, '/v1/users', { email: 'else@example.com', password: { nested: password } }))
  tell(await postJson(to, '/v1/sessions', { email: 'maria@example.com', [password]: password }))
  tell(
    await call(to, {
      method: 'POST',
      url: '/v1/sessions',
      payload: `{"password":"${password}"`,
      headers: { 'content-type': 'application/json' },
    }),
  )
  tell(
    await get(to, '/v1/me', { authorization: `DPoP ${bound.accessToken}`, dpop: key.proof('GET', `${issuer}/v1/me`) }),
  )
  tell(await get(to, '/v1/me', bearer(bound.accessToken)))
  tell(await get(to, `/nothing?token=${bound.accessToken}`))
  tell(await get(to, '/revocations', asApi))
  tell(await introspect(to, bound.accessToken))
  const fresh = await logIn(to)
  const change = { current_password: password, new_password: 'a better horse battery' }
  keep(await postJson(to, '/v1/password', change, bearer(fresh.accessToken)))
  add(change.new_password)

  const audit = JSON.stringify(await to.audit())
  const feed = JSON.stringify(await to.store.feed.snapshot())
  const logged = to.log.map(({ text }) => text).join('\n')
  expect(known.size).toBeGreaterThan(15)
  for (const secret of known) {
    for (const [where, text] of [
      ['log', logged],
      ['audit', audit],
      ['feed', feed],
      ['refusals and headers', told.join('\n')],
      ['commits', commits.join('\n')],
    ] as const) {
      expect([where, text.includes(secret)]).toEqual([where, false])
    }
  }
})

test('what breaks unexpectedly is 503, and its message goes nowhere', async () => {
  let broken = false
  const to = await given.server({
    wrapStore: store => ({
      ...store,
      loadFamily(id) {
        if (broken) throw new TypeError(`cannot read ${password}`)
        return store.loadFamily(id)
      },
    }),
  })
  await signUp(to)
  const { refreshToken } = await logIn(to)
  broken = true
  const answer = await refresh(to, refreshToken)
  expect([answer.status, answer.body.reason]).toEqual([503, 'unavailable'])
  expect(answer.headers['retry-after']).toBe('5')
  expect(answer.text).not.toMatch(/horse|TypeError| at /)
  const line = to.log.at(-1)
  expect(line?.text).toContain('TypeError')
  expect(line?.text).not.toContain(password)
})
