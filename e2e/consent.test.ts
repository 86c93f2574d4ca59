import { randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Orchard, startOrchard } from './testing/orchard.ts'

/*
 * Other people's applications in a real browser, which holds every page to its policy: sign-up, the question, and back by redirect or by form.
 */

let orchard: Orchard

beforeAll(async () => {
  orchard = await startOrchard()
})
afterEach(() => orchard.leave())
afterAll(() => orchard.close())

async function arrive(more: Record<string, string>, javaScriptEnabled: boolean): Promise<Page> {
  const page = await orchard.arrive({ javaScriptEnabled }, { state: 'here', nonce: 'n', ...more })
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
    const before = orchard.site.told.length
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    if (!script && method === 'POST') await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Welcome back' }).waitFor()
    const [told] = orchard.site.told.slice(before)
    expect([told?.method, told?.parameters.get('state')]).toEqual([method, 'here'])
    expect(told?.parameters.get('code')).toMatch(/^[\w-]{43}$/)
    expect(orchard.blocked).toEqual([])
  },
)

test('who says no comes back too and goes on, and their applications page has nothing of it', async () => {
  const page = await arrive({}, false)
  await page.getByRole('button', { name: 'Do not allow' }).click()
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor()
  expect(orchard.site.told.at(-1)?.parameters.get('error')).toBe('access_denied')
  await page.goto(`${orchard.installed.issuer}/account/applications`)
  await page.getByText('No application is signed in').waitFor()
  expect(orchard.blocked).toEqual([])
})
