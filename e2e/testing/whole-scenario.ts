import {
  apiSecret,
  backendSecret,
  type Install,
  keep,
  logIn,
  me,
  person,
  refresh,
  revoke,
  signUp,
} from './app-install.ts'
import { authorizationRequest, codeForm, createHostedBrowser, freshCode, signInHosted } from './hosted-browser.ts'
import { type Answer, basic, bearer, call } from './http-call.ts'
import { createProofKey, type ProofKey } from './proof-key.ts'

const newPassword = 'another horse altogether, Gänsefüßchen'

/** Everything that people, apps, APIs and back ends do, once. Returns what still lives. */
export async function useEverything(issuer: string, key: ProofKey): Promise<Install[]> {
  await signUp(issuer)
  const [unbound, bound] = [await logIn(issuer), await logIn(issuer, { key })]
  for (const install of [unbound, bound]) {
    await refresh(issuer, install)
    await me(issuer, install)
  }
  await signInByPages(issuer)
  await failOnPurpose(issuer, bound)
  await noticeReuse(issuer)
  await useAsBackend(issuer, bound)
  const password = { current_password: person.password, new_password: newPassword }
  keep(
    bound,
    await expected(200, call(`${issuer}/v1/password`, { headers: bearer(bound.accessToken), json: password })),
  )
  const who = { email: person.email, password: newPassword }
  const gone = await logIn(issuer, { who })
  await expected(200, call(`${issuer}/revoke`, { form: { client_id: 'app', token: gone.accessToken } }))
  await revoke(issuer, gone)
  return [bound, await logIn(issuer, { who }), await logIn(issuer, { who, clientId: 'strict-app' })]
}

async function expected(status: number, answered: Promise<Answer>): Promise<Answer> {
  const answer = await answered
  if (answer.status !== status) throw new Error(`${answer.status} instead of ${status}: ${answer.text}`)
  return answer
}

/** The hosted pages: sign-up and sign-in with their cookies and forms, a code and what it gives, the account page. */
async function signInByPages(issuer: string): Promise<void> {
  const other = createHostedBrowser(issuer)
  const fields = { email: 'other@example.com', name: 'Somebody Else', password: 'a third horse, on the pages only' }
  await expected(303, other.submit('/sign-up?return_to=/account', fields))
  await expected(200, other.submit('/account', { command: 'sign_out' }))
  const browser = createHostedBrowser(issuer)
  await browser.submit('/sign-in', { email: person.email, password: 'a wrong one, typed on the page' })
  await signInHosted(browser)
  const { code, verifier } = await freshCode(browser)
  await call(`${issuer}/token`, { form: codeForm(code, `${verifier.slice(1)}x`) })
  await expected(200, call(`${issuer}/token`, { form: codeForm(code, verifier) }))
  await expected(400, call(`${issuer}/token`, { form: codeForm(code, verifier) }))
  await freshCode(browser)
  await browser.open(authorizationRequest('no-such-app').path)
}

async function noticeReuse(issuer: string): Promise<void> {
  const install = await logIn(issuer, { clientId: 'strict-app' })
  const stolen = { ...install }
  for (let rotations = 0; rotations < 3; rotations++) await refresh(issuer, install)
  const noticed = await refresh(issuer, stolen)
  if (noticed?.json.reason !== 'refresh_token_reused') throw new Error('the reuse was not noticed')
}

async function useAsBackend(issuer: string, bound: Install): Promise<void> {
  const backend = basic('backend', backendSecret)
  const machine = await expected(
    200,
    call(`${issuer}/token`, { headers: backend, form: { grant_type: 'client_credentials' } }),
  )
  const user = { external_id: 'customer-17', email: 'customer@example.com' }
  const json = { client_id: 'app', user }
  await expected(201, call(`${issuer}/v1/trusted/sessions`, { headers: backend, json }))
  const headers = bearer(String(machine.json.access_token))
  await expected(201, call(`${issuer}/v1/trusted/sessions`, { headers, json }))
  const form = { client_id: 'api', client_secret: apiSecret, token: bound.accessToken }
  await expected(200, call(`${issuer}/introspect`, { form }))
  await expected(200, call(`${issuer}/revocations`, { headers: basic('api', apiSecret) }))
}

/** Requests that are refused, some with a secret where none belongs. Throws if a refusal says the secret back. */
async function failOnPurpose(issuer: string, bound: Install): Promise<void> {
  const { accessToken, refreshToken } = bound
  const stranger = createProofKey()
  await refresh(issuer, { ...bound, key: stranger })
  await refresh(issuer, { ...bound, key: undefined })
  const { email, password } = person
  const login = { email, password, client_id: 'app' }
  const post = (path: string, what: Parameters<typeof call>[1]) => call(issuer + path, { method: 'POST', ...what })
  const misplaced: readonly Promise<Answer>[] = [
    post('/v1/sessions', { json: { ...login, password: 'a wrong one, sent by an app' } }),
    post('/v1/sessions', { json: { ...login, email: password } }),
    post('/v1/sessions', { json: { ...login, client_id: password } }),
    post('/v1/sessions', { json: { ...login, supersedes: accessToken.slice(0, 190), scope: refreshToken } }),
    post('/v1/sessions', { json: { ...login, [refreshToken]: true } }),
    post('/v1/sessions', { body: `{"email":"${email}","password":"${password}"`, headers: jsonType }),
    post('/v1/sessions', { body: `{"password":${password}}`, headers: jsonType }),
    post('/v1/sessions', { body: password, headers: { 'content-type': `application/${refreshToken}` } }),
    post(`/v1/sessions?password=${encodeURIComponent(password)}`, { json: {} }),
    post('/v1/users', { json: { email: password, password } }),
    post('/v1/users', { json: { email: 'third@example.com', password: 'qwertyuiop' } }),
    post('/v1/password', {
      headers: bearer(accessToken),
      json: { current_password: refreshToken, new_password: password },
    }),
    post('/token', { form: { grant_type: refreshToken, client_id: accessToken } }),
    post('/token', { form: { grant_type: 'refresh_token', client_id: refreshToken, refresh_token: accessToken } }),
    post('/token', { body: `grant_type=refresh_token&client_id=app&refresh_token=${refreshToken}&refresh_token=x` }),
    post('/token', {
      headers: { dpop: refreshToken, ...basic('app', password) },
      form: { grant_type: 'refresh_token' },
    }),
    post('/revoke', { form: { token: refreshToken, client_id: 'api', client_secret: backendSecret } }),
    post('/introspect', { headers: basic('backend', apiSecret), form: { token: accessToken } }),
    call(`${issuer}/${refreshToken}`),
    call(`${issuer}/v1/sessions/${refreshToken}`, { method: 'DELETE', headers: bearer(accessToken) }),
    call(`${issuer}/v1/me?access_token=${accessToken}`),
    call(`${issuer}/v1/me`, { headers: bearer(refreshToken) }),
    call(`${issuer}/v1/me`, { headers: { authorization: `Bearer ${password}` } }),
    call(`${issuer}/v1/me`, { headers: { authorization: accessToken } }),
    call(`${issuer}/revocations`, { headers: { ...basic('api', apiSecret), 'last-event-id': refreshToken } }),
    call(`${issuer}/authorize?client_id=app&redirect_uri=${accessToken}&code_challenge=${refreshToken}`),
    call(`${issuer}/sign-in?return_to=/${refreshToken}`),
    call(`${issuer}/account?done=${refreshToken}`, { headers: { cookie: `countersign=${refreshToken}` } }),
    call(`${issuer}/health`, { headers: { 'user-agent': accessToken, 'x-forwarded-for': refreshToken } }),
    post('/v1/sessions', { headers: { 'user-agent': refreshToken, 'x-forwarded-for': password }, json: login }),
  ]
  for (const answer of await Promise.all(misplaced)) {
    const said = JSON.stringify(answer.headers) + (answer.status < 400 ? '' : answer.text)
    for (const secret of [password, accessToken, refreshToken]) {
      if (said.includes(secret)) throw new Error(`a refusal with status ${answer.status} says a secret back`)
    }
  }
}

const jsonType = { 'content-type': 'application/json' }
