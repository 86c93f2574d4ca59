import type { RequestListener } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { person, signUp } from '../testing/app-install.ts'
import { type Listening, listen } from '../testing/listen.ts'
import { launchBrowser } from '../testing/real-browser.ts'
import { givenInstallation, type Installation, startServer } from '../testing/server-process.ts'
import { authJsApp, expressOpenidConnectApp, passportApp, type WebApp } from '../testing/web-apps.ts'

/* Web applications with the libraries of others, used in Chromium. They are others' applications: the user is asked. */

const clientSecret = 'secret-of-the-web-applications-of-others-0003'
const apps = [
  { clientId: 'express-openid-connect', create: expressOpenidConnectApp, callback: '/callback' },
  { clientId: 'passport-openidconnect', create: passportApp, callback: '/callback', settings: { pkce: 'optional' } },
  { clientId: 'auth-js', create: authJsApp, callback: '/auth/callback/countersign' },
]
const origins = new Map<string, string>()
let sites: Listening[]
let installed: Installation
let browser: Browser

beforeAll(async () => {
  const handlers = new Map<string, RequestListener>()
  sites = await Promise.all(
    apps.map(async ({ clientId }) => {
      const site = await listen((request, response) => handlers.get(clientId)?.(request, response))
      origins.set(clientId, site.origin)
      return site
    }),
  )
  installed = await givenInstallation({
    sign_up: 'open',
    clients: apps.map(({ clientId, callback, settings }) => ({
      id: clientId,
      secrets: [clientSecret],
      scopes: ['openid', 'email', 'profile'],
      redirect_uris: [origins.get(clientId) + callback],
      post_logout_redirect_uris: [origins.get(clientId)],
      ...settings,
    })),
  })
  await startServer(installed)
  await signUp(installed.issuer)
  for (const { clientId, create } of apps) {
    const web: WebApp = { issuer: installed.issuer, origin: origins.get(clientId) ?? '', clientId, clientSecret }
    handlers.set(clientId, create(web))
  }
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser.close()
  installed.remove()
  await Promise.all(sites.map(site => site.close()))
})

async function signInAndAllow(page: Page): Promise<void> {
  await page.getByLabel('E-mail address').fill(person.email)
  await page.getByLabel('Password').fill(person.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await page.getByRole('heading', { name: `Hello, ${person.email}` }).waitFor()
}

async function openApp(clientId: string): Promise<{ page: Page; origin: string }> {
  const page = await (await browser.newContext()).newPage()
  const origin = origins.get(clientId) ?? ''
  await page.goto(origin)
  await page.getByRole('heading', { name: 'Nobody is signed in' }).waitFor()
  return { page, origin }
}

test.each(['express-openid-connect', 'passport-openidconnect'])(
  '%s: signs in, renews, reads UserInfo, and signs out at the server too',
  async clientId => {
    const { page, origin } = await openApp(clientId)
    await page.goto(`${origin}/login`)
    await signInAndAllow(page)
    const renewed = await (await page.goto(`${origin}/refresh`))?.json()
    expect(renewed).toMatchObject({ isNew: true, sub: expect.stringMatching(/^[\w-]+$/) })

    await page.goto(`${origin}/logout`)
    await page.getByRole('heading', { name: 'Nobody is signed in' }).waitFor()
    expect(page.url()).toBe(`${origin}/`)
    await page.goto(`${origin}/login`)
    await page.getByLabel('E-mail address').waitFor()
  },
)

test('Auth.js: signs in, renews, reads UserInfo, and signs out of itself alone, as it does', async () => {
  const { page, origin } = await openApp('auth-js')
  const enter = async (): Promise<void> => {
    await page.goto(`${origin}/auth/signin?callbackUrl=${encodeURIComponent(origin)}`)
    await page.getByRole('button', { name: 'Sign in with Countersign' }).click()
  }
  await enter()
  await signInAndAllow(page)
  const renewed = await (await page.goto(`${origin}/refresh`))?.json()
  expect(renewed).toMatchObject({ isNew: true, email: person.email, sub: expect.stringMatching(/^[\w-]+$/) })

  await page.goto(`${origin}/auth/signout?callbackUrl=${encodeURIComponent(origin)}`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Nobody is signed in' }).waitFor()
  await enter()
  await page.getByRole('heading', { name: `Hello, ${person.email}` }).waitFor()
})
