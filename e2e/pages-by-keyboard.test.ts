import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Orchard, startOrchard } from './testing/orchard.ts'
import { focusOf, whatIsRead } from './testing/what-is-read.ts'

/*
 * The hosted pages without a mouse, without eyes, and without script: on a real server, under the pages' own policy.
 */

let orchard: Orchard
const tooShort = 'correct'
const password = 'correct horse battery'

beforeAll(async () => {
  orchard = await startOrchard({ application_name: 'Orchard ID' })
})
afterEach(() => orchard.leave())
afterAll(() => orchard.close())

const menu = ['navigation "Language"', 'list', 'text "English"', 'link "العربية"']

async function open(parameters: Record<string, string> = {}): Promise<Page> {
  const page = await orchard.arrive({ javaScriptEnabled: false, viewport: { width: 320, height: 700 } }, parameters)
  await focusIsOn(page, 'E-mail address')
  return page
}

/** A page puts the focus where one goes on, once it is drawn. */
async function focusIsOn(page: Page, name: string): Promise<void> {
  await expect.poll(async () => (await focusOf(page)).name).toBe(name)
}

/** Presses Tab until the focus leaves the page, and says where it was. */
async function tabThrough(page: Page): Promise<readonly string[]> {
  const names: string[] = []
  for (let steps = 0; steps < 20; steps++) {
    await page.keyboard.press('Tab')
    const { name, ring, isInView } = await focusOf(page)
    if (name === '') return names
    expect([name, ring >= 2, isInView]).toEqual([name, true, true])
    names.push(name)
  }
  throw new Error(`no end: ${names.join(', ')}`)
}

test('from an application to an account, a yes and back, by keyboard alone', async () => {
  const page = await open()
  expect(await tabThrough(page)).toEqual(['Password', 'Sign in', 'Create an account', 'العربية'])
  await page.getByRole('link', { name: 'Create an account' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Create your account' }).waitFor()
  await focusIsOn(page, 'E-mail address')
  await page.keyboard.type('maria@example.com')
  await page.keyboard.press('Tab')
  await page.keyboard.type(tooShort)
  await page.keyboard.press('Enter')
  // The page says in its own language that eight characters are wanted, and the focus is where they go: not a bubble in the browser's.
  await expect.poll(() => page.title()).toBe('Error: Create your account · Orchard ID')
  await focusIsOn(page, 'Password')
  expect((await whatIsRead(page)).filter(line => line.startsWith('textbox'))).toEqual([
    'textbox "E-mail address" required',
    expect.stringMatching(/^textbox "Password" required invalid \(The password needs at least 8 characters\./),
    expect.stringMatching(/^textbox "Name/),
  ])
  await page.keyboard.type(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Allow Orchard?' }).waitFor()
  expect(await tabThrough(page)).toEqual(['Do not allow', 'Allow', 'Use another account', 'العربية'])
  await page.getByRole('button', { name: 'Allow', exact: true }).focus()
  await page.keyboard.press('Space')
  await page.getByRole('heading', { name: 'Welcome back' }).waitFor()
  expect(orchard.site.told.at(-1)?.parameters.get('code')).toMatch(/^[\w-]{43}$/)
  expect(orchard.blocked).toEqual([])
})

test('a screen reader gets the sign-in page with its error first, and the fields that it is about', async () => {
  const page = await open()
  await page.keyboard.type('maria@example.com')
  await page.getByLabel('Password').fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').waitFor()
  expect(await whatIsRead(page)).toEqual([
    'RootWebArea "Error: Sign in · Orchard ID"',
    'banner',
    'text "Orchard ID"',
    'main',
    'heading "Sign in" level 1',
    'text "to continue to "',
    'text "Orchard"',
    `text "${new URL(orchard.site.origin).host}"`,
    'alert',
    'text "The e-mail address or the password is wrong."',
    'text "E-mail address"',
    'textbox "E-mail address" required invalid (The e-mail address or the password is wrong.)',
    'text "maria@example.com"',
    'text "Password"',
    'textbox "Password" required invalid (The e-mail address or the password is wrong.)',
    'button "Sign in"',
    'text "New here? "',
    'link "Create an account"',
    'contentinfo',
    'text "Enter your password only where the address bar shows "',
    `text "${new URL(orchard.installed.issuer).host}"`,
    'text "."',
    ...menu,
  ])
})

test('a screen reader gets the question with who asks, for what, and with which account', async () => {
  const page = await open({ prompt: 'consent' })
  await page.keyboard.type('maria@example.com')
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Allow Orchard?' }).waitFor()
  expect(await whatIsRead(page)).toEqual([
    'RootWebArea "Allow Orchard? · Orchard ID"',
    'banner',
    'text "Orchard ID"',
    'main',
    'heading "Allow Orchard?" level 1',
    'text "If you allow it, you go back to "',
    'text "Orchard"',
    'text " at"',
    `text "${new URL(orchard.site.origin).host}"`,
    'heading "You have allowed it before, and it asks again to" level 2',
    'list',
    'text "Know that it is you, and recognise you when you come back"',
    'text "Read and write your notes"',
    expect.stringMatching(/^text "It can do so while you are signed in in this browser, for 180 days at the longest\./),
    'button "Do not allow"',
    'button "Allow"',
    'text "You are signed in as "',
    'text "maria@example.com"',
    'link "Use another account"',
    'contentinfo',
    ...menu,
  ])
})
