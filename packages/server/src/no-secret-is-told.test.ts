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
  withOtherEnd,
} from './testing/calls.ts'
import { closeGiven, type GivenServer, given, issuer, password, sampleMaster, secrets } from './testing/given.ts'

afterEach(closeGiven)

/** What must not be told, and what was. */
interface Recorder {
  readonly secrets: Set<string>
  readonly told: string[]
  /** Takes values that are secret; short ones would be found by chance. */
  hide(...values: unknown[]): void
  /** Takes down what an answer tells besides what it is asked for. */
  tell(answer: Answer): Answer
}

function recorder(): Recorder {
  const hidden = new Set<string>([password, ...Object.values(secrets), sampleMaster.toString('base64url')])
  const told: string[] = []
  const hide = (...values: unknown[]): void => {
    for (const value of values) if (typeof value === 'string' && value.length > 7) hidden.add(value)
  }
  return {
    secrets: hidden,
    told,
    hide,
    tell(answer) {
      hide(answer.body.access_token, answer.body.refresh_token)
      if (answer.status >= 400) told.push(answer.text)
      const { 'set-cookie': _cookie, location: _location, 'dpop-nonce': _nonce, ...headers } = answer.headers
      told.push(JSON.stringify(headers))
      return answer
    },
  }
}

async function refreshInAllWays(to: GivenServer, { tell }: Recorder): Promise<void> {
  const key = to.key()
  const plain = await logIn(to)
  const bound = await logIn(to, { client: 'app', key })
  tell(plain.answer)
  tell(bound.answer)
  await to.later(60)
  const rotated = tell(await refresh(to, plain.refreshToken))
  tell(await refresh(to, bound.refreshToken, { client: 'app', key }))
  tell(await refresh(to, bound.refreshToken, { client: 'app' }))
  tell(await refresh(to, bound.refreshToken, { client: 'bearer-app', key }))
  tell(await refresh(to, withOtherEnd(plain.refreshToken)))
  await to.later(60)
  tell(await refresh(to, String(rotated.body.refresh_token)))
  await to.later(60)
  tell(await refresh(to, plain.refreshToken))
  const { accessToken } = bound
  tell(await get(to, '/v1/me', { authorization: `DPoP ${accessToken}`, dpop: key.proof('GET', `${issuer}/v1/me`) }))
  tell(await get(to, '/v1/me', bearer(accessToken)))
  tell(await get(to, `/nothing?token=${accessToken}`))
  tell(await introspect(to, accessToken))
}

async function useThePages(to: GivenServer, { tell, hide }: Recorder): Promise<void> {
  const page = browser(to)
  tell(await page.signIn())
  for (const value of page.jar.values()) hide(value, value.split('.')[1])
  const { code, verifier } = await page.code()
  hide(code, verifier, 'a wrong secret password')
  tell(await redeem(to, { code, code_verifier: 'x'.repeat(43) }))
  tell(await redeem(to, { code, code_verifier: verifier }))
  tell(await redeem(to, { code, code_verifier: verifier }))
  tell(await page.submit('/sign-in', { email: 'maria@example.com', password: 'a wrong secret password' }))
  tell(await page.submit('/sign-up', { email: 'maria@example.com', password }))
}

async function makeMistakes(to: GivenServer, { tell, hide }: Recorder): Promise<void> {
  hide('a wrong client secret', 'a better horse battery')
  const machine = { grant_type: 'client_credentials', client_id: 'api' }
  tell(await postForm(to, '/token', { ...machine, client_secret: 'a wrong client secret' }))
  tell(await postForm(to, '/token', { ...machine, client_secret: secrets.api }))
  tell(await postJson(to, '/v1/users', { email: 'maria@example.com', password }))
  tell(await postJson(to, '/v1/users', { email: 'else@example.com', password: { nested: password } }))
  tell(await postJson(to, '/v1/sessions', { email: 'maria@example.com', [password]: password }))
  const headers = { 'content-type': 'application/json' }
  tell(await call(to, { method: 'POST', url: '/v1/sessions', payload: `{"password":"${password}"`, headers }))
  tell(await get(to, '/revocations', asApi))
  const { accessToken } = await logIn(to)
  const change = { current_password: password, new_password: 'a better horse battery' }
  tell(await postJson(to, '/v1/password', change, bearer(accessToken)))
}

test('D7, C5 (CVE-2022-31186): no log line, refusal, header or stored row holds a token, password, secret, code or cookie', async () => {
  const commits: unknown[] = []
  const to = await given.server({
    wrapStore: store => ({
      ...store,
      commit(change) {
        commits.push(change)
        return store.commit(change)
      },
    }),
  })
  const record = recorder()
  await signUp(to)
  await refreshInAllWays(to, record)
  await useThePages(to, record)
  await makeMistakes(to, record)
  const places = {
    log: to.log.map(({ text }) => text).join('\n'),
    audit: JSON.stringify(await to.audit()),
    feed: JSON.stringify(await to.store.feed.snapshot()),
    'refusals and headers': record.told.join('\n'),
    commits: JSON.stringify(commits, bytesAsText),
  }
  expect(record.secrets.size).toBeGreaterThan(15)
  for (const secret of record.secrets) {
    for (const [place, text] of Object.entries(places)) expect([place, text.includes(secret)]).toEqual([place, false])
  }
})

/** Salts and the like as a dump would show them. */
function bytesAsText(_name: string, value: unknown): unknown {
  const bytes = (value as { type?: unknown; data?: unknown } | null)?.data
  return Array.isArray(bytes) ? Buffer.from(bytes as number[]).toString('base64url') : value
}

test('CVE-2024-32967: what breaks unexpectedly is 503, and its message goes nowhere', async () => {
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
