import type { RequestListener } from 'node:http'
import express from 'express'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findChromium } from '../tools/chromium-path.ts'
import { person, signUp } from './testing/app-install.ts'
import { authorizationRequest, createHostedBrowser, signInHosted } from './testing/hosted-browser.ts'
import { type Listening, listen } from './testing/listen.ts'
import { givenInstallation, type Installation, startServer } from './testing/server-process.ts'
import { createCertificate, hostArguments, hosts, listenSecurely, type SecureSite } from './testing/shop.ts'
import { tokenForm } from './testing/token-form.ts'
import { createVisitor, createWebSite, webClients } from './testing/web-site.ts'

/*
 * A signed-in person's browser opens an attacker's page: one of another site, and one of a sibling host, whose requests carry the cookie. What
 * each attempt gets is said here, and in docs/threats.md.
 */

let installed: Installation
let api: Listening
/** What reached the API with a token. */
let reached: string[]
let sites: Record<keyof typeof hosts, SecureSite>
let origins: Record<keyof typeof hosts, string>
let answerOfApp: RequestListener
/** The cookies of somebody who is signed in at the app. */
let signedIn: Awaited<ReturnType<BrowserContext['storageState']>>
let browser: Browser
let context: BrowserContext
let page: Page

const blank = '<!doctype html><title>A page</title><h1>A page</h1>'

beforeAll(async () => {
  reached = []
  const answerOfApi = express().use((request, response) => {
    if (request.headers.authorization?.startsWith('Bearer ')) reached.push(`${request.method} ${request.url}`)
    response.json({ secret: 'of the person' })
  })
  api = await listen(answerOfApi)
  const certificate = createCertificate()
  const blankPage: RequestListener = (_request, response) => {
    response.setHeader('Content-Type', 'text/html').end(blank)
  }
  sites = {
    app: await listenSecurely(certificate, (request, response) => answerOfApp(request, response)),
    sibling: await listenSecurely(certificate, blankPage),
    stranger: await listenSecurely(certificate, blankPage),
  }
  origins = Object.fromEntries(
    Object.entries(hosts).map(([name, host]) => [name, `https://${host}:${sites[name as keyof typeof hosts].port}`]),
  ) as typeof origins
  installed = await givenInstallation({ sign_up: 'open', clients: webClients(origins.app) })
  await startServer(installed)
  await signUp(installed.issuer)
  const site = createWebSite({ issuer: installed.issuer, api: api.origin, origin: origins.app })
  answerOfApp = express()
    .use((request, response, next) => site.answer(request, response, next))
    .use(blankPage)
  browser = await chromium.launch({
    executablePath: findChromium() ?? '',
    args: ['--no-sandbox', '--disable-gpu', ...hostArguments],
  })
  const first = await browser.newContext({ ignoreHTTPSErrors: true })
  const signIn = await first.newPage()
  await signIn.goto(`${origins.app}/auth/login`)
  await signIn.getByLabel('E-mail address').fill(person.email)
  await signIn.getByLabel('Password').fill(person.password)
  await signIn.getByRole('button', { name: 'Sign in' }).click()
  await signIn.waitForURL(`${origins.app}/`)
  signedIn = await first.storageState()
  await first.close()
})

afterAll(async () => {
  await browser?.close()
  await Promise.all(Object.values(sites ?? {}).map(site => site.close()))
  await api?.close()
  installed?.remove()
})

beforeEach(async () => {
  context = await browser.newContext({ ignoreHTTPSErrors: true, storageState: signedIn })
  page = await context.newPage()
  await page.goto(`${origins.app}/`)
  reached.length = 0
})

afterEach(() => context.close())

/** Submits a form as an attacker's page does, and reads what the browser then shows. */
async function postForm(action: string, fields: Readonly<Record<string, string>> = {}): Promise<string> {
  const landed = page.waitForURL(action)
  await page.evaluate(
    ([to, values]) => {
      const form = document.createElement('form')
      Object.assign(form, { method: 'post', action: to })
      for (const [name, value] of Object.entries(values)) {
        form.append(Object.assign(document.createElement('input'), { name, value }))
      }
      document.body.append(form)
      form.submit()
    },
    [action, fields] as const,
  )
  await landed
  return page.evaluate(() => document.body.textContent ?? '')
}

const isSignedIn = async (): Promise<unknown> => {
  await page.goto(`${origins.app}/`)
  return page.evaluate(async () => (await (await fetch('/auth/me')).json()).signedIn)
}

test('the person’s own page reads and writes', async () => {
  const read = await page.evaluate(async () => {
    const token = /XSRF-TOKEN=([^;]+)/.exec(document.cookie)?.[1] ?? ''
    const posted = await fetch('/api/notes', { method: 'POST', headers: { 'X-XSRF-TOKEN': token } })
    return [posted.status, (await (await fetch('/api/notes')).json()).secret]
  })
  expect(read).toEqual([200, 'of the person'])
  expect(reached).toEqual(['POST /v2/notes', 'GET /v2/notes'])
})

describe.each(['stranger', 'sibling'] as const)('a page of a %s', who => {
  beforeEach(async () => {
    await page.goto(origins[who])
  })

  test('that posts a form changes nothing', async () => {
    expect(await postForm(`${origins.app}/api/notes`, { text: 'planted' })).toMatch(/origin_refused|token_missing/)
    expect(reached).toEqual([])
  })

  test('that calls with credentials changes nothing and reads nothing', async () => {
    const tried = await page.evaluate(async app => {
      const outcome = (init: RequestInit, path: string): Promise<string> =>
        fetch(app + path, { credentials: 'include', ...init }).then(
          answer => answer.type,
          () => 'blocked by the browser',
        )
      return [
        await outcome({}, '/auth/me'),
        await outcome({}, '/api/notes'),
        await outcome({ method: 'POST' }, '/api/notes'),
        await outcome({ method: 'POST', headers: { 'X-XSRF-TOKEN': 'guess' } }, '/api/notes'),
        await outcome({ method: 'POST', mode: 'no-cors', body: 'planted' }, '/api/notes'),
      ]
    }, origins.app)
    expect(new Set(tried)).toEqual(new Set(['blocked by the browser']))
    expect(reached).toEqual([])
  })

  test('that loads what the API answers as a picture, a script, a style or a prefetch gets nothing of it', async () => {
    await page.evaluate(async app => {
      const load = (tag: string, attributes: object): Promise<void> =>
        new Promise(resolve => {
          const element = Object.assign(document.createElement(tag), attributes)
          element.onload = element.onerror = () => resolve()
          document.head.append(element)
        })
      await load('img', { src: `${app}/api/notes` })
      await load('script', { src: `${app}/api/notes` })
      await load('link', { rel: 'stylesheet', href: `${app}/api/notes` })
      await load('link', { rel: 'prefetch', href: `${app}/api/notes` })
    }, origins.app)
    expect(reached).toEqual([])
  })

  test('that shows sign-in or the API in a frame shows a refusal', async () => {
    const texts: string[] = []
    for (const path of ['/auth/login', '/auth/callback?code=x&state=y', '/api/notes']) {
      await page.evaluate(
        url =>
          new Promise<void>(resolve => {
            const frame = Object.assign(document.createElement('iframe'), { src: url })
            frame.onload = () => resolve()
            document.body.append(frame)
          }),
        origins.app + path,
      )
      texts.push((await page.frames().at(-1)?.textContent('body')) ?? '')
    }
    for (const text of texts) expect(text).toMatch(/origin_refused|token_missing/)
    expect(reached).toEqual([])
  })

  test('that signs the browser in as the attacker does not get through (login CSRF)', async () => {
    const attacker = createVisitor(origins.app, installed.issuer, createHostedBrowser(installed.issuer))
    await signInHosted(attacker.server)
    const code = await codeOfAttacker(attacker.server)
    await page.goto(`${origins.app}/auth/callback?${code}`)
    // The browser has a login of its own, so it is led on, and that login is still there.
    expect(await isSignedIn()).toBe(true)
    await context.clearCookies()
    await page.goto(`${origins.app}/auth/callback?${code}`)
    expect(await page.textContent('h1')).toBe('Not signed in')
    expect(await isSignedIn()).toBe(false)
  })

  test('that signs the person out does not get through', async () => {
    expect(await postForm(`${origins.app}/auth/logout`, { csrf: 'guess' })).toMatch(
      /origin_refused|csrf_refused|signedOut/,
    )
    expect(await isSignedIn()).toBe(true)
  })

  test('that opens the app in a window reads nothing of it', async () => {
    const [opened] = await Promise.all([
      context.waitForEvent('page'),
      page.evaluate(app => {
        Object.assign(window, { opened: window.open(`${app}/api/notes`) })
      }, origins.app),
    ])
    await opened.waitForLoadState()
    // It is the person who sees it.
    expect(await opened.textContent('body')).toContain('of the person')
    const seen = await page.evaluate(() => {
      try {
        return (window as unknown as { opened: Window }).opened.document.body.textContent
      } catch {
        return 'blocked by the browser'
      }
    })
    expect(seen).toBe('blocked by the browser')
  })
})

describe('a sibling host that plants cookies', () => {
  test('cannot write one with the prefix __Host-, and a planted anti-forgery token fits no login', async () => {
    await page.goto(origins.sibling)
    const kept = await page.evaluate(() => {
      // biome-ignore lint/suspicious/noDocumentCookie: it is what an attacker's page does.
      document.cookie = '__Host-countersign_web=1~planted; Domain=shop.test; Path=/; Secure'
      // biome-ignore lint/suspicious/noDocumentCookie: as above.
      document.cookie = 'XSRF-TOKEN=planted; Domain=shop.test; Path=/; Secure'
      return document.cookie
    })
    expect(kept).toBe('XSRF-TOKEN=planted')
    await page.goto(`${origins.app}/`)
    const statuses = await page.evaluate(async () => {
      const tokens = [...document.cookie.matchAll(/XSRF-TOKEN=([^;]+)/g)].map(([, token = '']) => token)
      const post = async (token: string): Promise<number> =>
        (await fetch('/api/notes', { method: 'POST', headers: { 'X-XSRF-TOKEN': token } })).status
      return Object.fromEntries(await Promise.all(tokens.map(async token => [token === 'planted', await post(token)])))
    })
    expect(statuses).toEqual({ true: 403, false: 200 })
    expect(reached).toEqual(['POST /v2/notes'])
  })
})

describe('script injected into the app', () => {
  test('acts as the person while it runs, which nothing can prevent, and carries no token and no cookie away', async () => {
    const stolen = await page.evaluate(async () => {
      const me = await (await fetch('/auth/me')).text()
      const stored = JSON.stringify([{ ...localStorage }, { ...sessionStorage }, await indexedDB.databases()])
      return { cookie: document.cookie, me, stored, acts: (await fetch('/api/notes')).status }
    })
    expect(stolen.acts).toBe(200)
    expect(stolen.cookie).toMatch(/^XSRF-TOKEN=[\w-]{43}$/)
    expect(stolen.stored).toBe('[{},{},[]]')
    expect(stolen.me).not.toMatch(tokenForm)
  })
})

/** What the attacker's own sign-in at the app would come back with: code, state, issuer. */
async function codeOfAttacker(server: ReturnType<typeof createHostedBrowser>): Promise<string> {
  const query = new URL(installed.issuer + authorizationRequest('site').path).searchParams
  query.set('redirect_uri', `${origins.app}/auth/callback`)
  query.set('scope', 'openid')
  const answer = await server.open(`/authorize?${query}`)
  return new URL(String(answer.headers.location)).search.slice(1)
}
