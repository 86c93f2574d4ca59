import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redirectUri, signUp } from '../testing/app-install.ts'
import { createHostedBrowser, throughHostedPages } from '../testing/hosted-browser.ts'
import { type Answer, bearer, call } from '../testing/http-call.ts'
import type { Listening } from '../testing/listen.ts'
import { startNotesApi } from '../testing/notes-api.ts'
import { givenInstallation, type Installation, startServer } from '../testing/server-process.ts'

/* Clients without a library, as people write them in an afternoon. */

const goodbye = 'http://127.0.0.1:9/goodbye'
let installed: Installation
let api: Listening

beforeAll(async () => {
  const app = {
    scopes: ['openid', 'notes'],
    audiences: ['urn:notes'],
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [goodbye],
  }
  installed = await givenInstallation({
    sign_up: 'open',
    clients: [
      { ...app, id: 'keeps-what-it-has' },
      { ...app, id: 'needs-the-field', repeats_unchanged: true },
    ],
  })
  await startServer(installed)
  await signUp(installed.issuer)
  api = await startNotesApi(installed.issuer)
})

afterAll(async () => {
  installed.remove()
  await api.close()
})

/** What a token answer does to what the client holds. */
type Keep = (held: Tokens, answer: Partial<Tokens>) => Tokens

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token: string
}

const token = (form: Record<string, string>): Promise<Answer> => call(`${installed.issuer}/token`, { form })

test.each<[string, string, Keep]>([
  ['takes over what an answer holds', 'keeps-what-it-has', (held, answer) => ({ ...held, ...answer })],
  ['takes every answer whole', 'needs-the-field', (_held, answer) => answer as Tokens],
])('a client that %s logs in, refreshes time and again, calls, and logs out', async (_how, client_id, keep) => {
  const browser = createHostedBrowser(installed.issuer)
  const verifier = randomBytes(32).toString('base64url')
  const start = new URL('/authorize', installed.issuer)
  start.search = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const { back, asked } = await throughHostedPages(browser, start)
  expect(asked).toEqual(['/sign-in', '/consent'])
  const code = back.searchParams.get('code') ?? ''
  const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
  let held = (await token({ ...grant, client_id })).json as unknown as Tokens

  const refresh = () => token({ grant_type: 'refresh_token', client_id, refresh_token: held.refresh_token })
  for (const _time of [1, 2, 3]) {
    const answer = await refresh()
    expect([answer.status, 'refresh_token' in answer.json]).toEqual([200, client_id === 'needs-the-field'])
    held = keep(held, answer.json)
    expect((await call(`${api.origin}/notes`, { headers: bearer(held.access_token) })).status).toBe(200)
  }

  const leave = new URL('/logout', installed.issuer)
  leave.search = new URLSearchParams({
    id_token_hint: held.id_token,
    post_logout_redirect_uri: goodbye,
  }).toString()
  expect((await throughHostedPages(browser, leave)).back.href).toBe(goodbye)
  expect((await refresh()).json.error).toBe('invalid_grant')
})
