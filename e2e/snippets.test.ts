import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { bundleForBrowser } from '@countersign/app/testing/bundle'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findChromium } from '../tools/chromium-path.ts'
import { apiSecret, person, signUp } from './testing/app-install.ts'
import { freePort, givenInstallation, type Installation, startServer } from './testing/server-process.ts'

/** The code of the documentation: app, API and server on three origins, in a browser. */
const snippets = join(import.meta.dirname, '../examples/snippets/src')

let installed: Installation
let api: ChildProcess
let apiUrl: string
let site: Server
let appOrigin: string
let browser: Browser
let page: Page

beforeAll(async () => {
  const [apiPort, appPort] = [await freePort(), await freePort()]
  apiUrl = `http://127.0.0.1:${apiPort}`
  appOrigin = `http://127.0.0.1:${appPort}`
  installed = await givenInstallation({
    sign_up: 'open',
    clients: [
      {
        id: 'notes-app',
        first_party: true,
        direct_login: true,
        scopes: ['account', 'notes:read'],
        audiences: ['urn:notes'],
        redirect_uris: [`${appOrigin}/`],
      },
      { id: 'notes-api', secrets: [apiSecret], scopes: ['introspection', 'revocations'] },
    ],
  })
  await startServer(installed)
  await signUp(installed.issuer)
  api = await startApi(apiPort)
  site = await startSite(appPort)
  browser = await chromium.launch({ executablePath: findChromium() ?? '', args: ['--no-sandbox', '--disable-gpu'] })
  page = await browser.newPage()
  await page.goto(appOrigin)
})

afterAll(async () => {
  await browser?.close()
  site?.close()
  site?.closeAllConnections()
  api?.kill()
  installed?.remove()
})

async function startApi(port: number): Promise<ChildProcess> {
  const environment = { ISSUER: installed.issuer, API_SECRET: apiSecret, API_URL: apiUrl, APP_ORIGIN: appOrigin }
  const child = spawn(process.execPath, ['--conditions=@countersign/source', join(snippets, 'express-api.ts')], {
    env: { PATH: process.env.PATH, ...environment, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  return child
}

/** `app.ts` as it stands, but for the two addresses. */
async function startSite(port: number): Promise<Server> {
  const source = readFileSync(join(snippets, 'app.ts'), 'utf8')
    .replaceAll('https://login.example.com', installed.issuer)
    .replaceAll('https://api.example.com', apiUrl)
  const { text } = await bundleForBrowser(source, { globalName: 'app' })
  const server = createServer((request, response) => {
    const isScript = request.url === '/app.js'
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? text : '<!doctype html><title>App</title><script src="/app.js"></script>')
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

declare const app: { signIn(email: string, password: string): Promise<void>; notes(): Promise<unknown> }

test('app.ts signs in, and reads from express-api.ts on another origin with a bound token and its proof', async () => {
  const calls: Record<string, string>[] = []
  page.on('request', request => {
    if (request.url() === `${apiUrl}/notes` && request.method() === 'GET') calls.push(request.headers())
  })
  await page.evaluate(({ email, password }) => app.signIn(email, password), person)
  for (const _call of [1, 2]) {
    expect(await page.evaluate(() => app.notes())).toEqual({ owner: expect.stringMatching(/^[\w-]{22}$/), notes: [] })
  }
  expect(calls).toHaveLength(2)
  for (const headers of calls) {
    expect(headers).toMatchObject({ authorization: expect.stringMatching(/^DPoP /), dpop: expect.any(String) })
  }
})

test('what express-api.ts refuses, the app can read why; a page of another origin can read nothing', async () => {
  const read = (url: string): Promise<string | null> =>
    fetch(url).then(
      answer => answer.headers.get('countersign-reason'),
      () => 'blocked by the browser',
    )
  expect(await page.evaluate(read, `${apiUrl}/notes`)).toBe('token_missing')
  const stranger = await browser.newPage()
  await stranger.goto(appOrigin.replace('127.0.0.1', 'localhost'))
  expect(await stranger.evaluate(read, `${apiUrl}/notes`)).toBe('blocked by the browser')
})
