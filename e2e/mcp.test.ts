import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { freePort } from '@countersign/store/testing/free-port'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { person, signUp } from './testing/app-install.ts'
import { createHostedBrowser, type HostedBrowser } from './testing/hosted-browser.ts'
import { bearer, call } from './testing/http-call.ts'
import { givenInstallation, type Installation, type Running, run } from './testing/server-process.ts'
import { walkPages } from './testing/walk-pages.ts'

/** examples/mcp, as its page says: server, MCP server and client are processes of their own. */
const folder = join(import.meta.dirname, '../examples/mcp')

let installed: Installation
let issuer: string
let origin: string

beforeAll(async () => {
  installed = await givenInstallation({})
  const [port, apiPort] = [await freePort(), await freePort()]
  issuer = `http://127.0.0.1:${port}`
  origin = `http://127.0.0.1:${apiPort}`
  const environment = {
    COUNTERSIGN_PORT: String(port),
    COUNTERSIGN_DATA: installed.dataFolder,
    COUNTERSIGN_REGISTRATION_AUDIENCES: `${origin}/mcp`,
  }
  const server = run(['serve', '--config', join(folder, 'countersign.json')], { environment })
  installed.started.push(server)
  await server.said('is ready at')
  await signUp(issuer)
  const api = start('server.ts', [], {
    ISSUER: issuer,
    ORIGIN: origin,
    PORT: String(apiPort),
    API_SECRET: 'replace-this-by-32-random-bytes-of-your-own',
  })
  await api.said('ready')
})

afterAll(() => installed?.remove())

function start(file: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
  const running = run(args, { program: join(folder, 'src', file), environment })
  installed.started.push(running)
  return running
}

/** The page that the client asks to be opened, as a path of the authorization server. */
async function pageOf(client: Running): Promise<string> {
  await client.said('&resource=')
  const page = /Open in a browser: (\S+)/.exec(client.output())?.[1] ?? ''
  expect(new URL(page).origin).toBe(issuer)
  return page.slice(issuer.length)
}

/** Runs the client to its end, with a user at the browser. */
async function keepNote(note: string, browser: HostedBrowser): Promise<{ said: string; pages: readonly string[] }> {
  const client = start('client.ts', [`${origin}/mcp`, note])
  const { answer, pages } = await walkPages(browser, await pageOf(client), person)
  await call(String(answer.headers.location))
  const { code, stdout, stderr } = await client.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return { said: stdout, pages }
}

/** What the client does, by hand: for a test that needs the token itself. */
async function registeredToken(browser: HostedBrowser): Promise<{ clientId: string; token: string }> {
  const redirect_uri = 'http://127.0.0.1:9/callback'
  const json = { redirect_uris: [redirect_uri], token_endpoint_auth_method: 'none' }
  const client_id = String((await call(`${issuer}/register`, { json })).json.client_id)
  const verifier = 'v'.repeat(43)
  const query = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri,
    scope: 'notes',
    resource: `${origin}/mcp`,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const { answer } = await walkPages(browser, `/authorize?${query}`, person)
  const code = new URL(String(answer.headers.location)).searchParams.get('code') ?? ''
  const form = { grant_type: 'authorization_code', client_id, code, redirect_uri, code_verifier: verifier }
  const { json: tokens } = await call(`${issuer}/token`, { form })
  return { clientId: client_id, token: String(tokens.access_token) }
}

describe('an MCP client that knows nothing but the address', () => {
  test('finds the authorization server, registers, sends the user there and calls a tool as that user', async () => {
    const browser = createHostedBrowser(issuer)
    const first = await keepNote('buy milk', browser)
    expect(first.pages).toEqual(['/sign-in', '/consent'])
    expect(first.said).toContain('Note: buy milk')
    // Another install of the client is another client: the user is asked again, and the notes are theirs still.
    const second = await keepNote('call home', browser)
    expect(second.pages).toEqual(['/consent'])
    expect(second.said).toContain('Note: buy milk\nNote: call home')
  })

  test('is shown to the user: what it wants, in words, and for which API', async () => {
    const browser = createHostedBrowser(issuer)
    const client = start('client.ts', [`${origin}/mcp`])
    const asked = await browser.open(await pageOf(client))
    const signedIn = await browser.submit(String(asked.headers.location), { ...person })
    const consent = await browser.open(String((await browser.open(String(signedIn.headers.location))).headers.location))
    for (const words of ['Notes client', 'Read and write your notes', `${origin}/mcp`]) {
      expect(consent.text).toContain(words)
    }
    await client.end('SIGTERM')
  })

  test('takes no answer that it did not ask for, and none of another server (RFC 9207)', async () => {
    for (const [wrong, said] of [
      ['state', 'not asked for'],
      ['iss', 'of another server'],
    ] as const) {
      const client = start('client.ts', [`${origin}/mcp`])
      const { answer } = await walkPages(createHostedBrowser(issuer), await pageOf(client), person)
      const back = new URL(String(answer.headers.location))
      back.searchParams.set(wrong, 'https://other.example')
      await call(back.href)
      const { code, stderr } = await client.ended
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(said) })
    }
  })
})

describe('the MCP server', () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
  const headers = { accept: 'application/json, text/event-stream' }

  test('says without a token where its description is, and there who gives tokens for it (RFC 9728)', async () => {
    const refused = await call(`${origin}/mcp`, { json: ping, headers })
    expect(refused.status).toBe(401)
    const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`
    expect(refused.headers['www-authenticate']).toContain(`resource_metadata="${metadata}"`)
    expect((await call(metadata)).json).toMatchObject({
      resource: `${origin}/mcp`,
      authorization_servers: [issuer],
      scopes_supported: ['notes'],
    })
  })

  test('refuses a token whose user has taken the permission back, as soon as the feed says so', async () => {
    const browser = createHostedBrowser(issuer)
    const { clientId, token } = await registeredToken(browser)
    const ask = async (): Promise<number> =>
      (await call(`${origin}/mcp`, { json: ping, headers: { ...headers, ...bearer(token) } })).status
    expect(await ask()).toBe(200)
    const withdrawal = await browser.submit('/account/applications', { command: 'withdraw', client_id: clientId })
    expect(withdrawal.status).toBe(303)
    // The feed is another connection: it is a moment behind. If it never came, this test would not end.
    let status = await ask()
    while (status === 200) status = await ask()
    expect(status).toBe(401)
  })

  test('refuses what is no token of its own', async () => {
    const refused = await call(`${origin}/mcp`, { json: ping, headers: { ...headers, ...bearer('a.b.c') } })
    expect(refused.status).toBe(401)
  })
})
