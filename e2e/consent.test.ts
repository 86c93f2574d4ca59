import { randomBytes } from 'node:crypto'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type CallbackSite, startCallbackSite } from './testing/callback-site.ts'
import { launchBrowser } from './testing/real-browser.ts'
import { givenInstallation, type Installation, startServer } from './testing/server-process.ts'

/*
 * Other people's applications in a real browser, which holds every page to its policy: sign-up, the question, and back by redirect or by form.
 */

let site: CallbackSite
let installed: Installation
let browser: Browser
let context: BrowserContext | undefined
const problems: string[] = []

beforeAll(async () => {
  site = await startCallbackSite()
  installed = await givenInstallation({
    sign_up: 'open',
    scope_descriptions: { notes: 'Read and write your notes' },
    clients: [
      {
        id: 'orchard',
        name: 'Orchard',
        secrets: ['orchard-secret-of-at-least-32-characters'],
        pkce: 'optional',
        redirect_uris: [`${site.origin}/callback`],
        scopes: ['openid', 'notes'],
      },
    ],
  })
  await startServer(installed)
  browser = await launchBrowser()
})
afterEach(() => context?.close())
afterAll(async () => {
  await browser.close()
  installed.remove()
  await site.close()
})

async function arrive(more: Record<string, string>, javaScriptEnabled: boolean): Promise<Page> {
  context = await browser.newContext({ javaScriptEnabled })
  const page = await context.newPage()
  page.on('console', message => {
    if (/Content Security Policy|Trusted ?Type/i.test(message.text())) problems.push(message.text())
  })
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'orchard',
    redirect_uri: `${site.origin}/callback`,
    scope: 'openid notes',
    state: 'here',
    nonce: 'n',
    ...more,
  })
  await page.goto(`${installed.issuer}/authorize?${query}`)
  await page.getByRole('link', { name: 'Create an account' }).click()
  await page.getByLabel('E-mail address').fill(`${randomBytes(6).toString('hex')}@example.com`)
  await page.getByLabel('Password').fill('correct horse battery')
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('heading', { name: 'Allow Orchard?' }).waitFor()
  await page.getByText('Read and write your notes').waitFor()
  return page
}

test.each([
  ['by a redirect', {}, true, 'GET'],
  ['by a redirect, without script', {}, false, 'GET'],
  ['by a form that sends itself', { response_mode: 'form_post' }, true, 'POST'],
  ['by a form and a button, without script', { response_mode: 'form_post' }, false, 'POST'],
])(
  'who says yes comes back with a code, and a link goes on to another origin: %s',
  async (_way, more, script, method) => {
    const page = await arrive(more as Record<string, string>, script)
    const before = site.told.length
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    if (!script && method === 'POST') await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Welcome back' }).waitFor()
    const [told] = site.told.slice(before)
    expect([told?.method, told?.parameters.get('state')]).toEqual([method, 'here'])
    expect(told?.parameters.get('code')).toMatch(/^[\w-]{43}$/)
    expect(problems).toEqual([])
  },
)

test('who says no comes back too and goes on, and their applications page has nothing of it', async () => {
  const page = await arrive({}, false)
  await page.getByRole('button', { name: 'Do not allow' }).click()
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor()
  expect(site.told.at(-1)?.parameters.get('error')).toBe('access_denied')
  await page.goto(`${installed.issuer}/account/applications`)
  await page.getByText('No application is signed in').waitFor()
  expect(problems).toEqual([])
})
