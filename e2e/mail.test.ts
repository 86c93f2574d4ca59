import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { askRunningServer } from '../packages/cli/src/admin-socket.ts'
import { linkIn, type MailServer, mailServer, type ReceivedMail } from '../packages/server/src/testing/mail-server.ts'
import { launchBrowser } from './testing/real-browser.ts'
import { givenInstallation, type Installation, type Running, startServer } from './testing/server-process.ts'

/*
 * The command with a mail server configured, a real mail server, and a real browser without script.
 */

let post: MailServer
let installed: Installation
let server: Running
let browser: Awaited<ReturnType<typeof launchBrowser>>

beforeAll(async () => {
  post = await mailServer({ authOptional: false, allowInsecureAuth: true, onAuth: signInToPost })
  const smtp_url = `smtp://countersign:${smtpPassword}@127.0.0.1:${post.port}`
  installed = await givenInstallation({ sign_up: 'open', smtp_url, mail_from: 'no-reply@login.example' })
  server = await startServer(installed)
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser?.close()
  await server?.end('SIGTERM')
  installed?.remove()
  await post?.close()
})

const smtpPassword = 'the-password-of-the-mail-server'
const email = 'someone@example.com'
const passwords = [
  'the right horse, the right battery',
  'a second horse and battery',
  'a third horse and battery',
] as const

const signInToPost: NonNullable<NonNullable<Parameters<typeof mailServer>[0]>['onAuth']> = (
  { username, password },
  _,
  callback,
) => (password === smtpPassword ? callback(null, { user: username ?? '' }) : callback(new Error('wrong')))

/** A browser of its own. */
async function someBrowser(): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: false })
  return context.newPage()
}

/** What an act has mailed to the person. */
async function mailAfter(act: () => Promise<unknown>, subject: string): Promise<ReceivedMail> {
  const before = post.mails.length
  await act()
  return vi.waitFor(() => {
    const mail = post.mails.slice(before).find(({ headers }) => headers.subject?.includes(subject))
    if (mail === undefined) throw new Error(`no mail with "${subject}"`)
    return mail
  }, 60_000)
}

async function signIn(page: Page, password: string): Promise<void> {
  await page.goto(`${installed.issuer}/sign-in`)
  await page.fill('#email', email)
  await page.fill('#password', password)
  await page.click('button[type=submit]')
}

/** What the page says. */
const said = (page: Page): Promise<string> => page.innerText('body')
const opens = (page: Page, mail: ReceivedMail): Promise<unknown> => page.goto(`${installed.issuer}${linkIn(mail)}`)

test('a person signs up, confirms the address, forgets the password, sets another, and says of a change that it was not them', async () => {
  const mine = await someBrowser()
  await mine.goto(`${installed.issuer}/sign-up`)
  await mine.fill('#email', email)
  await mine.fill('#password', passwords[0])
  const confirmation = await mailAfter(() => mine.click('button[type=submit]'), 'Confirm')
  expect(new URL(mine.url()).pathname).toBe('/account')
  expect(await said(mine)).toContain('Nobody has confirmed yet')
  expect(confirmation.user).toBe('countersign')

  await opens(mine, confirmation)
  expect(mine.url()).toBe(`${installed.issuer}/verify-address`)
  await mine.click('main button[type=submit]')
  expect(await said(mine)).toContain('Your address is confirmed')
  await mine.goto(`${installed.issuer}/account`)
  expect(await said(mine)).not.toContain('Nobody has confirmed yet')

  const other = await someBrowser()
  await other.goto(`${installed.issuer}/sign-in`)
  await other.click('text=Forgot your password?')
  await other.fill('#email', email)
  const forgotten = await mailAfter(() => other.click('main button[type=submit]'), 'new password')
  expect(await said(other)).toContain('Look into your mail')
  await opens(other, forgotten)
  // Neither in the address, nor in what the page says or loads.
  const token = new URLSearchParams(linkIn(forgotten).split('?')[1]).get('token') ?? 'none'
  expect(other.url()).toBe(`${installed.issuer}/reset-password`)
  expect(await other.content()).not.toContain(token)
  await other.fill('#new_password', passwords[1])
  const changed = await mailAfter(() => other.click('main button[type=submit]'), 'was changed')
  expect(await said(other)).toContain('Your password has been changed')

  // The first browser is out, the old password is wrong, the link is over.
  await mine.goto(`${installed.issuer}/account`)
  expect(new URL(mine.url()).pathname).toBe('/sign-in')
  await signIn(mine, passwords[0])
  expect(await said(mine)).toContain('wrong')
  await opens(other, forgotten)
  expect(await said(other)).toContain('This link is over')
  await signIn(other, passwords[1])
  expect(new URL(other.url()).pathname).toBe('/account')

  // A look at the page ends nothing; its one button ends everything, and a new password is chosen by a mail of its own.
  await opens(mine, changed)
  expect(await said(mine)).toContain('This was not you?')
  await other.reload()
  expect(new URL(other.url()).pathname).toBe('/account')
  const again = await mailAfter(() => mine.click('main button[type=submit]'), 'new password')
  expect(await said(mine)).toContain('It has been ended')
  await other.reload()
  expect(new URL(other.url()).pathname).toBe('/sign-in')
  await signIn(other, passwords[1])
  expect(await said(other)).toContain('wrong')
  await opens(mine, again)
  await mine.fill('#new_password', passwords[2])
  await mine.click('main button[type=submit]')
  await signIn(mine, passwords[2])
  expect(new URL(mine.url()).pathname).toBe('/account')

  const output = server.output()
  for (const secret of [token, smtpPassword, email, ...passwords]) expect(output).not.toContain(secret)
})

test('whom an operator invites makes an account by the link in the mail, with its address confirmed, once', async () => {
  const wanted = JSON.stringify({ email: 'invited@example.com', delivery: 'mail' })
  const ask = () => askRunningServer(join(installed.folder, 'data'), 'users invite', wanted)
  const invitation = await mailAfter(ask, 'You are invited')
  const page = await someBrowser()
  await opens(page, invitation)
  expect(page.url()).toBe(`${installed.issuer}/invitation`)
  expect(await said(page)).toContain('invited@example.com')
  await page.fill('#password', passwords[0])
  await page.click('main button[type=submit]')
  expect(new URL(page.url()).pathname).toBe('/account')
  expect(await said(page)).not.toContain('Nobody has confirmed yet')
  await opens(page, invitation)
  expect(await said(page)).toContain('This invitation is over')
})
