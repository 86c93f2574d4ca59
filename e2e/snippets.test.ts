import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { bundleForBrowser } from '@countersign/app/testing/bundle'
import { freePort } from '@countersign/store/testing/free-port'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiSecret, person, signUp } from './testing/app-install.ts'
import { launchBrowser } from './testing/real-browser.ts'
import { givenInstallation, type Installation, startServer } from './testing/server-process.ts'

/** The code of the documentation: app, API and server on three origins, in a browser. */
const snippets = join(import.meta.dirname, '../examples/snippets/src')

let installed: Installation
let api: ChildProcess
let apiUrl: string
let site: Server
let appOrigin: string
let web: ChildProcess
let webOrigin: string
const webSecret = 'secret-of-the-web-application-that-keeps-cookies'
let browser: Browser
let page: Page

beforeAll(async () => {
  const [apiPort, appPort, webPort] = [await freePort(), await freePort(), await freePort()]
  webOrigin = `http://127.0.0.1:${webPort}`
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
        redirect_uris: [`${appOrigin}/`, `${appOrigin}/redirect`],
      },
      { id: 'notes-api', secrets: [apiSecret], scopes: ['introspection', 'revocations'] },
      {
        id: 'notes-web',
        first_party: true,
        secrets: [webSecret],
        scopes: ['openid', 'email', 'notes:read'],
        audiences: ['urn:notes'],
        redirect_uris: [`${webOrigin}/auth/callback`],
        access_token_binding: 'bearer',
      },
    ],
  })
  await startServer(installed)
  await signUp(installed.issuer)
  const { issuer } = installed
  api = await startProgram('express-api.ts', apiPort, {
    ISSUER: issuer,
    API_SECRET: apiSecret,
    API_URL: apiUrl,
    APP_ORIGIN: appOrigin,
  })
  web = await startProgram('web-app.ts', webPort, {
    ISSUER: issuer,
    CLIENT_SECRET: webSecret,
    APP_URL: webOrigin,
    NOTES_API: apiUrl,
    COOKIE_SECRET: 'a secret for cookies, of at least 32 characters',
  })
  site = await startSite(appPort)
  browser = await launchBrowser()
  page = await browser.newPage()
  await page.goto(appOrigin)
})

afterAll(async () => {
  await browser?.close()
  site?.close()
  site?.closeAllConnections()
  api?.kill()
  web?.kill()
  installed?.remove()
})

async function startProgram(file: string, port: number, environment: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--conditions=@countersign/source', join(snippets, file)], {
    env: { PATH: process.env.PATH, ...environment, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  return child
}

/** `app.ts` and `app-redirect.ts` as they stand, but for the two addresses. */
async function startSite(port: number): Promise<Server> {
  const bundle = async (file: string): Promise<string> => {
    const source = readFileSync(join(snippets, file), 'utf8')
      .replaceAll('https://login.example.com', installed.issuer)
      .replaceAll('https://api.example.com', apiUrl)
    return (await bundleForBrowser(source, { globalName: 'app' })).text
  }
  const scripts = new Map([
    ['/app.js', await bundle('app.ts')],
    ['/app-redirect.js', await bundle('app-redirect.ts')],
  ])
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', appOrigin)
    const script = scripts.get(pathname)
    const name = pathname === '/redirect' ? 'app-redirect' : 'app'
    response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? `<!doctype html><title>App</title><script src="/${name}.js"></script>`)
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

declare const app: {
  signIn(email?: string, password?: string): Promise<void>
  notes(): Promise<unknown>
  start(): Promise<string>
}

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

test('web-app.ts signs in on the server’s pages, and its page reads from the API with a cookie that script cannot see', async () => {
  const visitor = await (await browser.newContext()).newPage()
  await visitor.goto(webOrigin)
  await visitor.getByRole('link', { name: 'Sign in' }).click()
  await visitor.getByLabel('E-mail address').fill(person.email)
  await visitor.getByLabel('Password').fill(person.password)
  await visitor.getByRole('button', { name: 'Sign in' }).click()
  await visitor.waitForURL(`${webOrigin}/`)
  const seen = await visitor.evaluate(async () => ({
    notes: await (await fetch('/api/notes')).json(),
    me: await (await fetch('/auth/me')).json(),
    cookies: document.cookie,
  }))
  expect(seen.notes).toEqual({ owner: seen.me.user.sub, notes: [] })
  expect(seen.me).toMatchObject({ signedIn: true, user: { email: person.email } })
  expect(seen.cookies).toMatch(/^XSRF-TOKEN=[\w-]+$/)
})

test('app-redirect.ts leaves for the server’s sign-in page, and is signed in when it comes back, also after a reload', async () => {
  const visitor = await (await browser.newContext()).newPage()
  await visitor.goto(`${appOrigin}/redirect`)
  expect(await visitor.evaluate(() => app.start())).toBe('signedOut')
  await visitor.evaluate(() => app.signIn())
  await visitor.getByLabel('E-mail address').fill(person.email)
  await visitor.getByLabel('Password').fill(person.password)
  await visitor.getByRole('button', { name: 'Sign in' }).click()
  await visitor.waitForURL(`${appOrigin}/redirect?**`)
  expect(await visitor.evaluate(() => app.start())).toBe('fresh')
  expect(visitor.url()).toBe(`${appOrigin}/redirect`)
  await visitor.reload()
  expect(await visitor.evaluate(() => app.start())).toBe('fresh')
})
