import { bundleForBrowser } from '@countersign/app/testing/bundle'
import type { UserManager, UserManagerSettings } from 'oidc-client-ts'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { person, signUp } from '../testing/app-install.ts'
import { type Listening, listen } from '../testing/listen.ts'
import { launchBrowser } from '../testing/real-browser.ts'
import { givenInstallation, type Installation, startServer } from '../testing/server-process.ts'

/* oidc-client-ts in Chromium, as its documentation has it: a page of another origin, which talks to the server by CORS. */

/** In the page. */
declare global {
  var manager: UserManager
  var oidc: { UserManager: new (settings: UserManagerSettings) => UserManager }
}

let installed: Installation
let site: Listening
let browser: Browser

beforeAll(async () => {
  const { text } = await bundleForBrowser(`export { UserManager } from 'oidc-client-ts'`, { globalName: 'oidc' })
  site = await listen((request, response) => {
    const script = request.url === '/oidc.js'
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html')
    response.end(script ? text : '<!doctype html><title>App</title><h1>The app</h1><script src="/oidc.js"></script>')
  })
  installed = await givenInstallation({
    sign_up: 'open',
    clients: [
      {
        id: 'page',
        name: 'Orchard',
        scopes: ['openid', 'email'],
        redirect_uris: [`${site.origin}/signed-in`],
        post_logout_redirect_uris: [`${site.origin}/signed-out`],
      },
    ],
  })
  await startServer(installed)
  await signUp(installed.issuer)
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser.close()
  installed.remove()
  await site.close()
})

async function openPage(): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  const settings: UserManagerSettings = {
    authority: installed.issuer,
    client_id: 'page',
    redirect_uri: `${site.origin}/signed-in`,
    post_logout_redirect_uri: `${site.origin}/signed-out`,
    scope: 'openid email',
    loadUserInfo: true,
  }
  await page.context().addInitScript(given => {
    addEventListener('DOMContentLoaded', () => {
      if (typeof oidc !== 'undefined') globalThis.manager = new oidc.UserManager(given)
    })
  }, settings)
  await page.goto(site.origin)
  return page
}

test('signs in in a window of its own, which the page that opened it hears of', async () => {
  const page = await openPage()
  const opened = page.waitForEvent('popup')
  const signingIn = page.evaluate(async () => (await manager.signinPopup()).profile)
  const popup = await opened
  await popup.getByLabel('E-mail address').fill(person.email)
  await popup.getByLabel('Password').fill('not the password')
  await popup.getByRole('button', { name: 'Sign in' }).click()
  await popup.getByRole('alert').waitFor()
  await popup.getByLabel('Password').fill(person.password)
  await popup.getByRole('button', { name: 'Sign in' }).click()
  await popup.getByRole('button', { name: 'Allow', exact: true }).click()
  await popup.waitForURL(`${site.origin}/signed-in?**`)
  // This library has another way if it must; others know their window's opener alone.
  expect(await popup.evaluate(() => window.opener === null)).toBe(false)
  // What the page at the redirect URI does; it closes the window.
  await popup.evaluate(() => void manager.signinPopupCallback())
  expect((await signingIn).email).toBe(person.email)
})

test('signs in by redirect, renews by the refresh token, reads UserInfo, and signs out at the server', async () => {
  const page = await openPage()
  await page.evaluate(() => void manager.signinRedirect({ state: 'here' }))
  await page.getByLabel('E-mail address').fill(person.email)
  await page.getByLabel('Password').fill(person.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await page.waitForURL(`${site.origin}/signed-in?**`)

  const user = await page.evaluate(() => manager.signinRedirectCallback())
  expect([user.profile.email, user.state]).toEqual([person.email, 'here'])

  for (const _time of [1, 2]) {
    const renewed = await page.evaluate(() => manager.signinSilent())
    expect(renewed?.profile.sub).toBe(user.profile.sub)
    expect(renewed?.access_token).not.toBe(user.access_token)
    expect(renewed?.refresh_token).toBe(user.refresh_token)
  }
  const told = await page.evaluate(async url => {
    const authorization = `Bearer ${(await manager.getUser())?.access_token}`
    return (await fetch(url, { headers: { authorization } })).json()
  }, `${installed.issuer}/userinfo`)
  expect(told).toMatchObject({ sub: user.profile.sub, email: person.email })

  await page.evaluate(() => void manager.signoutRedirect({ state: 'bye' }))
  await page.waitForURL(`${site.origin}/signed-out?**`)
  await page.evaluate(() => manager.signoutRedirectCallback())
  expect(await page.evaluate(() => manager.getUser())).toBeNull()
  const refused = await fetch(`${installed.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'page',
      refresh_token: user.refresh_token ?? '',
    }),
  })
  expect(await refused.json()).toMatchObject({ error: 'invalid_grant' })
})
