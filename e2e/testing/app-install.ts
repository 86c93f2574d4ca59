import { type Answer, bearer, call, callUnlessKilled } from './http-call.ts'
import { type ProofKey, proofFor } from './proof-key.ts'

/** The clients that these tests use. `app` rotates at every refresh, so that each one writes. */
export const apiSecret: string = 'secret-of-the-api-that-reads-the-feed-0001'
export const backendSecret: string = 'secret-of-the-back-end-that-is-trusted-0002'
export const graceSeconds = 300
export const redirectUri: string = 'http://127.0.0.1:9/callback'
export const configuration: Readonly<Record<string, unknown>> = {
  sign_up: 'open',
  unsafe_refresh_policy: true,
  clients: [
    {
      id: 'app',
      first_party: true,
      direct_login: true,
      scopes: ['account', 'notes'],
      audiences: ['urn:notes'],
      redirect_uris: [redirectUri],
      access_token_binding: 'bearer',
      grace_seconds: graceSeconds,
      minimum_life_seconds: 0,
    },
    {
      id: 'strict-app',
      first_party: true,
      direct_login: true,
      scopes: ['account'],
      grace_seconds: 0,
      minimum_life_seconds: 0,
    },
    { id: 'api', secrets: [apiSecret], scopes: ['introspection', 'revocations'] },
    {
      id: 'backend',
      secrets: [backendSecret],
      grant_types: ['client_credentials'],
      scopes: ['sessions:manage', 'notes'],
      audiences: ['urn:notes'],
    },
  ],
}

export const person = { email: 'someone@example.com', password: 'the right horse, the right battery' } as const

/** One app on one device: what it was given last, and its key if it has one. */
export interface Install {
  readonly clientId: string
  readonly key: ProofKey | undefined
  accessToken: string
  refreshToken: string
  sessionId: string
}

type Headers = Readonly<Record<string, string>>

export async function signUp(issuer: string, who: { email: string; password: string } = person): Promise<void> {
  const answer = await call(`${issuer}/v1/users`, { json: who })
  if (answer.status !== 201) throw new Error(`sign-up: ${answer.text}`)
}

/** Logs in as an app does; `undefined` if the server died before it had answered. */
export async function tryLogIn(
  issuer: string,
  app: { clientId?: string; key?: ProofKey | undefined; who?: { email: string; password: string } } = {},
  headers: Headers = {},
): Promise<{ answer: Answer; install: Install } | undefined> {
  const { clientId = 'app', key, who = person } = app
  const url = `${issuer}/v1/sessions`
  const proof = await proofFor(issuer, key, { method: 'POST', url, clientId })
  const answer = await callUnlessKilled(url, {
    headers: { ...proof, ...headers },
    json: { email: who.email, password: who.password, client_id: clientId },
  })
  if (answer === undefined) return undefined
  const install = { clientId, key, accessToken: '', refreshToken: '', sessionId: '' }
  if (answer.status === 201) keep(install, answer)
  return { answer, install }
}

export async function logIn(issuer: string, app: Parameters<typeof tryLogIn>[1] = {}): Promise<Install> {
  const done = await tryLogIn(issuer, app)
  if (done?.answer.status !== 201) throw new Error(`login: ${done?.answer.text ?? 'no answer'}`)
  return done.install
}

/**
 * Redeems the refresh token; what is answered is kept, as an app does. `undefined` if the server died meanwhile, or `patience`
 * (milliseconds) was over.
 */
export async function refresh(
  issuer: string,
  install: Install,
  headers: Headers = {},
  patience?: number,
): Promise<Answer | undefined> {
  const url = `${issuer}/token`
  const proof = await proofFor(issuer, install.key, { method: 'POST', url, clientId: install.clientId }, patience)
  const answer = await callUnlessKilled(url, {
    patience,
    headers: { ...proof, ...headers },
    form: { grant_type: 'refresh_token', client_id: install.clientId, refresh_token: install.refreshToken },
  })
  if (answer?.status === 200) keep(install, answer)
  return answer
}

/** RFC 6749 §6: an answer without a refresh token leaves the old one in place. */
export function keep(install: Install, answer: Answer): void {
  const { access_token, refresh_token, session_id } = answer.json as Record<string, string>
  install.accessToken = access_token ?? ''
  if (refresh_token !== undefined) install.refreshToken = refresh_token
  if (session_id !== undefined) install.sessionId = session_id
}

export async function revoke(issuer: string, install: Install, headers: Headers = {}): Promise<Answer | undefined> {
  const url = `${issuer}/revoke`
  const proof = await proofFor(issuer, install.key, { method: 'POST', url })
  return callUnlessKilled(url, {
    headers: { ...proof, ...headers },
    form: { client_id: install.clientId, token: install.refreshToken },
  })
}

export function me(issuer: string, install: Install): Promise<Answer> {
  return call(`${issuer}/v1/me`, { headers: bearer(install.accessToken) })
}
