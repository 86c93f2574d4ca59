import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfiguration } from '@countersign/cli'
import { freePort } from '@countersign/store/testing/free-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHostedBrowser } from './testing/hosted-browser.ts'
import { basic, bearer, call } from './testing/http-call.ts'
import { givenInstallation, type Installation, run } from './testing/server-process.ts'
import { hiddenIn, walkPages } from './testing/walk-pages.ts'

/** What the OpenID Foundation's suite is given: examples/conformance, started as its page says. */
const folder = join(import.meta.dirname, '../examples/conformance')
const base = 'https://suite.example/test/a/another'
const suite = { email: 'suite@example.com', password: 'conformance is a plan' }
const first = basic('conformance-first', 'conformance-first-secret-for-tests-alone')

let installed: Installation
let issuer: string

beforeAll(async () => {
  installed = await givenInstallation({})
  const port = await freePort()
  issuer = `http://127.0.0.1:${port}`
  const server = run([], {
    program: join(folder, 'src/main.ts'),
    environment: {
      SUITE: 'https://suite.example',
      ALIAS: 'another',
      COUNTERSIGN_PORT: String(port),
      COUNTERSIGN_DATA: installed.dataFolder,
    },
  })
  installed.started.push(server)
  await server.said('The user: suite@example.com')
})

afterAll(() => installed?.remove())

function authorization(more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'conformance-first',
    redirect_uri: `${base}/callback`,
    scope: 'openid profile email address phone',
    state: 'a state',
    nonce: 'a nonce',
    ...more,
  })
  return `/authorize?${query}`
}

async function redeem(code: string): Promise<Record<string, unknown>> {
  const form = { grant_type: 'authorization_code', code, redirect_uri: `${base}/callback` }
  const { status, json } = await call(`${issuer}/token`, { form, headers: first })
  expect(status).toBe(200)
  return json
}

describe('the configuration for the conformance suite', () => {
  test('is one that the server takes as it is', () => {
    const { clients, registration } = readConfiguration({
      file: join(folder, 'countersign.json'),
      environment: {},
      flags: {},
    })
    expect(clients.map(({ id }) => id)).toEqual(['conformance-first', 'conformance-second', 'conformance-post'])
    expect(registration.mode).toBe('open')
  })

  test('signs the user in without PKCE, and posts the code back (Form Post Response Mode)', async () => {
    const browser = createHostedBrowser(issuer)
    const { answer, pages } = await walkPages(browser, authorization({ response_mode: 'form_post' }), suite)
    expect(pages).toEqual(['/sign-in', '/consent'])
    expect(answer.status).toBe(200)
    expect(answer.text).toContain(`<form method="post" action="${base}/callback">`)
    const { code = '', state, iss } = hiddenIn(answer.text)
    expect({ state, iss }).toEqual({ state: 'a state', iss: issuer })
    const tokens = await redeem(code)
    const [header = '', payload = ''] = String(tokens.id_token).split('.')
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg: 'RS256' })
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ iss: issuer, nonce: 'a nonce' })
  })

  test('tells every standard claim of the user (OpenID Connect Core §5.1)', async () => {
    const browser = createHostedBrowser(issuer)
    const { answer } = await walkPages(browser, authorization(), suite)
    const code = new URL(String(answer.headers.location)).searchParams.get('code') ?? ''
    const { access_token } = await redeem(code)
    const { json } = await call(`${issuer}/userinfo`, { headers: bearer(String(access_token)) })
    const { claims_supported } = (await call(`${issuer}/.well-known/openid-configuration`)).json
    const aboutTheLogin = ['iss', 'aud', 'exp', 'iat', 'auth_time', 'acr', 'amr', 'azp', 'nonce', 'sid', 'at_hash']
    const aboutTheUser = (claims_supported as string[]).filter(name => !aboutTheLogin.includes(name))
    expect(Object.keys(json).sort()).toEqual(aboutTheUser.sort())
  })

  test('signs the user out on the confirmation page, and leads back', async () => {
    const browser = createHostedBrowser(issuer)
    await walkPages(browser, authorization(), suite)
    const query = new URLSearchParams({
      client_id: 'conformance-first',
      post_logout_redirect_uri: `${base}/post_logout_redirect`,
      state: 'out',
    })
    const { answer, pages } = await walkPages(browser, `/logout?${query}`, suite)
    expect(pages).toEqual(['/logout'])
    expect(answer.headers.location).toBe(`${base}/post_logout_redirect?state=out`)
    const silent = await browser.open(authorization({ prompt: 'none' }))
    expect(silent.headers.location).toContain('error=login_required')
  })

  test('lets the suite register a client of its own', async () => {
    const json = { redirect_uris: [`${base}/callback`], backchannel_logout_uri: 'https://suite.example/out' }
    const { status } = await call(`${issuer}/register`, { json })
    expect(status).toBe(201)
  })

  test('has the names, secrets and addresses that the suite is told, and that the page about it tells', () => {
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
    const { clients } = JSON.parse(read('countersign.json')) as { clients: { id: string; secrets: string[] }[] }
    const told = JSON.parse(read('suite.json')) as Record<string, { client_id: string; client_secret: string }>
    expect([told.client, told.client2, told.client_secret_post]).toEqual(
      clients.map(({ id, secrets }) => ({ client_id: id, client_secret: secrets[0] })),
    )
    const names = clients.flatMap(({ id, secrets }) => [id, ...secrets])
    for (const name of [...names, suite.email, suite.password]) expect(read('README.md')).toContain(name)
  })

  test('has the pages that the suite’s browser is told to fill in', async () => {
    const browser = createHostedBrowser(issuer)
    const signIn = await browser.open('/sign-in')
    for (const id of ['email', 'password']) expect(signIn.text).toMatch(new RegExp(`<input[^>]* id="${id}"`))
    const refused = await browser.open(authorization({ redirect_uri: `${base}/elsewhere` }))
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('<h1') })
    expect(signIn.text.match(/class="button main"/g)).toHaveLength(1)
  })
})
