import { createHash, randomBytes } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import { type GivenServer, issuer, password, redirectUri, secrets } from './given.ts'
import type { ProofKey } from './proof-key.ts'

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  /** The body as JSON; empty if it is none. */
  readonly body: Readonly<Record<string, unknown>>
  readonly cookies: readonly string[]
}

export async function call(to: GivenServer, request: InjectOptions): Promise<Answer> {
  const response = await to.http.inject(request)
  const isJson = String(response.headers['content-type'] ?? '').startsWith('application/')
  return {
    status: response.statusCode,
    headers: response.headers as Record<string, string | undefined>,
    text: response.body,
    body: isJson && response.body !== '' ? (JSON.parse(response.body) as Record<string, unknown>) : {},
    cookies: [response.headers['set-cookie'] ?? []].flat(),
  }
}

type Headers = Readonly<Record<string, string>>

export function postForm(
  to: GivenServer,
  url: string,
  fields: Readonly<Record<string, string>>,
  headers: Headers = {},
): Promise<Answer> {
  const payload = new URLSearchParams(fields).toString()
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  return call(to, { method: 'POST', url, payload, headers: { ...form, ...headers } })
}

export function postJson(to: GivenServer, url: string, body: unknown, headers: Headers = {}): Promise<Answer> {
  const payload = JSON.stringify(body)
  return call(to, { method: 'POST', url, payload, headers: { 'content-type': 'application/json', ...headers } })
}

export function basic(id: string, secret: string): Headers {
  const [user, pass] = [encodeURIComponent(id), encodeURIComponent(secret)]
  return { authorization: `Basic ${Buffer.from(`${user}:${pass}`).toString('base64')}` }
}

export const asApi: Headers = basic('api', secrets.api)

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` }
}

export async function signUp(to: GivenServer, email = 'maria@example.com'): Promise<string> {
  const answer = await postJson(to, '/v1/users', { email, password })
  if (answer.status !== 201) throw new Error(answer.text)
  return String(answer.body.id)
}

/** The tokens of a login. */
export interface Login {
  readonly accessToken: string
  readonly refreshToken: string
  readonly sessionId: string
  readonly answer: Answer
}

export interface LoginOptions {
  readonly email?: string
  readonly client?: string
  readonly key?: ProofKey
  readonly supersedes?: string
  readonly scope?: string
  readonly headers?: Headers
}

/** Signs in directly; a key binds the login to it. */
export async function logIn(to: GivenServer, options: LoginOptions = {}): Promise<Login> {
  const { email = 'maria@example.com', client = 'bearer-app', key, supersedes, scope } = options
  const proof = key && { dpop: key.proof('POST', `${issuer}/v1/sessions`) }
  const body = { email, password, client_id: client, supersedes, scope }
  const answer = await postJson(to, '/v1/sessions', body, { ...proof, ...options.headers })
  if (answer.status !== 201) throw new Error(answer.text)
  return loginOf(answer)
}

function loginOf(answer: Answer): Login {
  return {
    accessToken: String(answer.body.access_token),
    refreshToken: String(answer.body.refresh_token),
    sessionId: String(answer.body.session_id),
    answer,
  }
}

/** Redeems a refresh token, with a proof if there is a key. */
export function refresh(
  to: GivenServer,
  refreshToken: string,
  more: { client?: string; key?: ProofKey; scope?: string; headers?: Headers; fields?: Headers } = {},
): Promise<Answer> {
  const { client = 'bearer-app', key, scope } = more
  const proof = key && { dpop: key.proof('POST', `${issuer}/token`) }
  const fields = {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: client,
    ...(scope !== undefined && { scope }),
    ...more.fields,
  }
  return postForm(to, '/token', fields, { ...proof, ...more.headers })
}

/** A refresh token but for its last letter: which that is is chance. */
export function withOtherEnd(token: string): string {
  return `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
}

export function get(to: GivenServer, url: string, headers: Headers = {}): Promise<Answer> {
  return call(to, { method: 'GET', url, headers })
}

export function me(to: GivenServer, accessToken: string): Promise<Answer> {
  return get(to, '/v1/me', bearer(accessToken))
}

export function introspect(to: GivenServer, token: string): Promise<Answer> {
  return postForm(to, '/introspect', { token }, asApi)
}

/** An authorization request with its PKCE verifier. */
export function authorization(more: Readonly<Record<string, string>> = {}): { verifier: string; path: string } {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'app',
    redirect_uri: redirectUri,
    state: 'st-1',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  })
  return { verifier, path: `/authorize?${query}` }
}

export function redeem(
  to: GivenServer,
  fields: { code: string; code_verifier: string } & Record<string, string>,
  headers: Headers = {},
): Promise<Answer> {
  const standard = { grant_type: 'authorization_code', client_id: 'app', redirect_uri: redirectUri }
  return postForm(to, '/token', { ...standard, ...fields }, headers)
}
