import { copyFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { freePort } from '@countersign/store/testing/free-port'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type DemoHome, givenDemoHome, type RunningDemo, runDemo, startDemo } from './testing/demo-process.ts'
import { launchBrowser } from './testing/real-browser.ts'
import { run } from './testing/server-process.ts'
import { tokenForm } from './testing/token-form.ts'

let home: DemoHome
let demo: RunningDemo
let browser: Browser
let context: BrowserContext
let problems: string[]

beforeAll(async () => {
  home = givenDemoHome(await freePort())
  demo = await startDemo(home)
  browser = await launchBrowser()
})
beforeEach(async () => {
  context = await browser.newContext()
  problems = []
})
afterEach(() => context.close())
afterAll(async () => {
  await browser.close()
  await demo.end('SIGTERM')
  home.remove()
})

/** The app in a browser context. What its scripts throw, and what the page's policy blocks, is a problem. */
async function openApp(): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', error => problems.push(error.message))
  page.on('console', message => {
    if (/Content Security Policy|Trusted ?Type/i.test(message.text())) problems.push(message.text())
  })
  await page.goto(demo.appUrl)
  return page
}

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('E-mail address').fill(demo.email)
  await page.getByLabel('Password').fill(demo.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'Notes' }).waitFor()
}

async function openSignedIn(): Promise<Page> {
  const page = await openApp()
  await signIn(page)
  return page
}

/** On the server's own page. */
async function signInHosted(page: Page): Promise<void> {
  await page.locator('input[name=email]').fill(demo.email)
  await page.locator('input[name=password]').fill(demo.password)
  await page.locator('input[name=password]').press('Enter')
}

/** Presses a button of the laboratory; what it has reported when it is done. */
async function press(page: Page, name: string): Promise<string[]> {
  const card = page.locator('.experiment', { has: page.getByRole('button', { name, exact: true }) })
  await page.getByRole('button', { name, exact: true }).click()
  await card.and(page.locator('[data-state=done]')).waitFor()
  return card.locator('.finding').allTextContents()
}

/** The lines of the timeline, oldest first: who, what, answer, reason, row. */
async function timeline(page: Page): Promise<string[]> {
  const lines = page.locator('.call')
  const texts = await lines.evaluateAll(all =>
    all.map(one =>
      ['.who', '.what', '.answer', '.reason', '.row']
        .map(part => one.querySelector(part)?.textContent ?? '')
        .filter(text => text !== '')
        .join(' | '),
    ),
  )
  return texts.reverse()
}

async function expectSignedIn(page: Page): Promise<void> {
  expect(await page.locator('#state').textContent()).toBe('fresh')
  expect(await page.locator('#login').textContent()).toContain('bound to a key of this browser')
  expect(problems).toEqual([])
}

describe('an account at another server', () => {
  test('signs in to the app: there and back through two servers’ pages, asked by the other what it may tell; the web app greets by its address, and signs out of the server', async () => {
    const page = await openApp()
    await page.getByRole('button', { name: 'Sign in on the hosted page' }).click()
    await page.getByRole('link', { name: 'Continue with Example ID' }).click()
    await page.waitForURL(/^http:\/\/localhost:\d+\/sign-in/)
    await page.locator('input[name=email]').fill('demo@example.net')
    await page.locator('input[name=password]').fill(demo.password)
    await page.locator('input[name=password]').press('Enter')
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByRole('heading', { name: 'Notes' }).waitFor()
    await expectSignedIn(page)
    await page.goto(`${demo.issuer}/account/connections`)
    expect(await page.locator('.way').allInnerTexts()).toEqual([expect.stringContaining('Example ID')])
    expect(await page.getByRole('button', { name: 'Remove' }).count()).toBe(0)

    await page.goto(demo.webUrl)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('status').getByText('demo@example.net').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.locator('input[name=password]').waitFor()
  })
})

describe('the web app', () => {
  test('shows the notes of the single-page app, holds no token in the page, and is signed out when the session ends elsewhere', async () => {
    const app = await openSignedIn()
    await app.getByLabel('New note').fill('written in the single-page app')
    await app.getByRole('button', { name: 'Add' }).click()
    await app.getByText('written in the single-page app').waitFor()
    const page = await context.newPage()
    page.on('pageerror', error => problems.push(error.message))
    const bodies: Promise<string>[] = []
    page.on('response', answer => {
      // The body of a page that was left meanwhile cannot be had any more.
      if (answer.url().startsWith(demo.webUrl) && answer.status() === 200) bodies.push(answer.text().catch(() => ''))
    })
    await page.goto(demo.webUrl)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await signInHosted(page)
    await page.getByText('written in the single-page app').waitFor()
    await page.getByLabel('New note').fill('written in the web app')
    await page.getByRole('button', { name: 'Add' }).click()
    await page.getByText('written in the web app').waitFor()
    const readable = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }))
    expect(readable + (await Promise.all(bodies)).join()).not.toMatch(tokenForm)
    await endEverything(page.context())
    await page.getByLabel('New note').fill('too late')
    // The server has told the app's back end by then, or the API: one of the two refuses.
    await page.getByRole('button', { name: 'Add' }).click()
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
    expect(problems).toEqual([])
  })
})

/** On the account page of the server. */
async function endEverything(of: BrowserContext): Promise<void> {
  const account = await of.newPage()
  await account.goto(`${demo.issuer}/account`)
  const ending = account.locator('details', { has: account.locator('#end-all-hint') })
  await ending.locator('summary').click()
  const done = account.waitForResponse(answer => answer.request().method() === 'POST')
  await ending.getByRole('button').click()
  await done
  await account.close()
}

describe('the laboratory', () => {
  test('twenty calls with an expired token: one refresh, decided by row 5, and 20 × 200', async () => {
    const page = await openSignedIn()
    expect(await press(page, 'Fire 20 calls with an expired token')).toEqual([
      '1 refresh, 20 × 200.',
      'Row 5 decided: rotate.',
    ])
    expect((await timeline(page)).slice(-2)).toEqual([
      'this page | refresh | 200 | row 5: rotate',
      'this page | GET /notes × 20 | 200',
    ])
    await expectSignedIn(page)
  })

  test('a lost answer: the server has rotated, the retry is row 7, and nobody is signed out', async () => {
    const page = await openSignedIn()
    expect(await press(page, 'Lose the next refresh response')).toEqual([
      'Refresh: row 5, rotate; the answer is thrown away.',
      'Refresh: row 7, replay; this one arrives.',
      'The call was answered 200. Still signed in.',
    ])
    expect(await timeline(page)).toContain('this page | refresh | 200 (lost) | row 5: rotate')
    await expectSignedIn(page)
  })

  test('ten tabs whose token expires at once: one refresh, 50 × 200', async () => {
    const page = await openSignedIn()
    expect((await press(page, 'Open ten tabs')).at(-1)).toBe('1 refresh (row 5), 50 × 200.')
    expect((await timeline(page)).filter(line => / refresh /.test(line))).toHaveLength(1)
    await expectSignedIn(page)
  })

  test('a stolen refresh token is refused without its key (row 2), and its owner does not notice', async () => {
    const page = await openSignedIn()
    expect((await press(page, 'Steal the refresh token')).slice(0, 3)).toEqual([
      'Without a proof: row 2, refused, proof_required.',
      'With a proof of another key: row 2, refused, proof_key_mismatch.',
      'You refresh as if nothing had happened, and are still signed in.',
    ])
    await expectSignedIn(page)
  })

  test('a stolen refresh token that no key protects: used by two hands, its login ends (row 10), and no other', async () => {
    const page = await openSignedIn()
    const reported = (await press(page, 'Steal one that is not bound')).join('\n')
    expect(reported).toContain('The thief refreshes first: row 5, rotate.')
    expect(reported).toContain('The victim refreshes later than the grace allows: row 9, late credit.')
    expect(reported).toContain('The victim refreshes: row 10, reuse (refresh_token_reused).')
    expect(reported).toContain('The thief’s refresh token: row 3, over (refresh_token_reused).')
    expect(reported).toContain('The thief’s access token at the API: 401 token_revoked.')
    await expectSignedIn(page)
  })

  test('a token forged with the leaked signing key: found out by asking, and dead once the key is retired', async () => {
    const page = await openSignedIn()
    const forged = (await press(page, 'Forge with the leaked signing key')).join('\n')
    expect(forged).toContain('GET /notes checks by itself: 200.')
    expect(forged).toContain('active is false')
    expect(forged).toContain('DELETE /notes asks the issuer about every token: 401 token_revoked.')
    const [dead, renewed] = await press(page, 'Retire that key')
    expect(dead).toMatch(/^The forged token: 401 token_revoked, \d+ ms after the key was retired\.$/)
    expect(renewed).toContain('The app has renewed it (1 refresh), and was answered 200.')
    await expectSignedIn(page)
  })

  test('a session that is ended in another browser is refused here, with the reason and the time that it took', async () => {
    const page = await openSignedIn()
    const popup = context.waitForEvent('page')
    const [reported] = await Promise.all([
      press(page, 'Log this device out from the account page'),
      popup.then(opened => opened.close()).then(() => endLatestSessionElsewhere()),
    ])
    expect(reported).toContain('The API refused: 401 token_revoked.')
    expect(reported.join('\n')).toMatch(/\d+ ms after the session was ended/)
    expect(reported.at(-1)).toBe('The app has signed out, and says why: session_ended.')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await page.locator('#was-signed-out').textContent()).toContain('session_ended')
    expect((await timeline(page)).join('\n')).toContain('| 401 | token_revoked')
    expect(problems).toEqual([])
  })
})

/** Signs in on the account page of another browser, and ends the session that was used last. */
async function endLatestSessionElsewhere(): Promise<void> {
  const other = await browser.newContext()
  const account = await other.newPage()
  await account.goto(`${demo.issuer}/account`)
  await signInHosted(account)
  await account.locator('form.end-session').first().locator('button').click()
  await account.locator('.banner-success').waitFor()
  await other.close()
}

describe('the app', () => {
  test('signs in on the hosted page, comes back by code, and keeps notes', async () => {
    const page = await openApp()
    await page.getByRole('button', { name: 'Sign in on the hosted page' }).click()
    await signInHosted(page)
    await page.getByRole('heading', { name: 'Notes' }).waitFor()
    expect(page.url()).toBe(`${demo.appUrl}/`)
    await page.getByLabel('New note').fill('Written in a test <b>')
    await page.getByRole('button', { name: 'Add' }).click()
    await page.locator('#notes').getByText('Written in a test <b>').first().waitFor()
    await expectSignedIn(page)
  })

  test('makes an account, signs out, and says that a wrong password is wrong', async () => {
    const page = await openApp()
    await page.getByLabel('E-mail address').fill(`somebody-${home.port}@example.org`)
    await page.getByLabel('Password').fill('a long and winding sentence')
    await page.getByRole('button', { name: 'Make a new account' }).click()
    await page.getByText('No notes yet.').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByLabel('E-mail address').fill(`somebody-${home.port}@example.org`)
    await page.getByLabel('Password').fill('another sentence altogether')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('The address or the password is wrong.').waitFor()
    expect(problems).toEqual([])
  })
})

describe('the API', () => {
  async function call(path: string, init?: RequestInit): Promise<unknown[]> {
    const answer = await fetch(demo.apiUrl + path, init)
    const { reason, error, text } = await answer.json()
    return [answer.status, reason ?? error ?? text]
  }

  test('says why it refuses, and lets strangers in where it should', async () => {
    const bearer = (token: string): RequestInit => ({ headers: { Authorization: `Bearer ${token}` } })
    expect(await call('/greeting')).toEqual([200, 'Hello, stranger.'])
    expect(await call('/greeting', bearer('rubbish'))).toEqual([401, 'token_malformed'])
    expect(await call('/notes')).toEqual([401, 'token_missing'])
    expect(await call('/notes', { method: 'POST', body: '{}' })).toEqual([401, 'token_missing'])
    expect(await call('/nothing')).toEqual([404, 'not_found'])
    expect(await call('/%zz')).toEqual([404, 'not_found'])
  })

  test('answers a body that cannot be read with 400, and a scope that is missing with 403', async () => {
    const { email, password } = demo
    const accessToken = async (scope: string): Promise<string> => {
      const body = JSON.stringify({ email, password, client_id: 'demo', scope })
      const headers = { 'Content-Type': 'application/json' }
      const answer = await fetch(`${demo.issuer}/v1/sessions`, { method: 'POST', headers, body })
      return (await answer.json()).access_token
    }
    const post = async (scope: string, body: string): Promise<unknown[]> => {
      const headers = { Authorization: `Bearer ${await accessToken(scope)}`, 'Content-Type': 'application/json' }
      return call('/notes', { method: 'POST', headers, body })
    }
    expect(await post('notes:write', '{"text": ')).toEqual([400, 'invalid_request'])
    expect(await post('notes:write', '{"text": 5}')).toEqual([400, 'invalid_request'])
    expect(await post('notes:read', '{"text": "no"}')).toEqual([403, 'scope_insufficient'])
  })
})

describe('the process', () => {
  test('drains at ^C, and nobody is signed out by a restart', async () => {
    const page = await openSignedIn()
    const login = await page.locator('#login').textContent()
    const before = demo
    // npm hands the terminal's ^C on, so one press arrives twice.
    expect(await demo.end('SIGINT', 'SIGINT')).toEqual({ code: 0, signal: null })
    demo = await startDemo(home)
    expect([demo.appUrl, demo.password]).toEqual([before.appUrl, before.password])
    await page.reload()
    await page.getByRole('heading', { name: 'Notes' }).waitFor()
    expect((await press(page, 'Fire 20 calls with an expired token'))[0]).toBe('1 refresh, 20 × 200.')
    expect(await page.locator('#login').textContent()).toBe(login)
    await expectSignedIn(page)
  })

  test('says that its port is taken, and how to choose another', async () => {
    const taken = createServer()
    const port = await freePort()
    await new Promise<void>(resolve => void taken.listen(port, '127.0.0.1', resolve))
    const { code, said } = await runDemo(['--port', String(port), '--data', `${home.folder}/other`])
    taken.close()
    expect(code).toBe(1)
    expect(said).toContain(`Port ${port} is in use`)
    expect(said).toMatch(/npm start -- --port \d+/)
  })

  test('ends when its data folder is in use by another, and says what to do', async () => {
    const { code, said } = await runDemo(['--port', String(await freePort()), '--data', home.folder])
    const sentence = 'is in use by another process: stop that one, or take another folder with --data'
    expect([code, said]).toEqual([1, expect.stringContaining(sentence)])
  })

  test('starts beside the example configuration, on a folder that a server used with it, and each says what it has switched off', async () => {
    const other = givenDemoHome(await freePort())
    const file = join(other.folder, 'countersign.json')
    copyFileSync(join(import.meta.dirname, '../examples/snippets/countersign.json'), file)
    const serve = ['serve', '--config', file, '--port', String(other.port), '--data', other.folder]
    const before = run(serve)
    await before.said('accounts')
    await before.end('SIGTERM')
    const beside = { COUNTERSIGN_CONFIG: file }
    const second = await startDemo(other, [], beside)
    expect((await fetch(`${second.apiUrl}/greeting`)).status).toBe(200)
    await second.end('SIGTERM')
    const after = run(serve)
    await after.said('accounts')
    expect(after.output()).toContain('switched off, not named any more: demo, demo-api, demo-unbound, demo-web\n')
    await after.end('SIGTERM')

    const named = 'https://login.example.com'
    writeFileSync(file, JSON.stringify({ issuer: named }))
    const refused = await runDemo(['--port', String(other.port), '--data', other.folder], beside)
    expect(refused).toEqual({
      code: 1,
      said: `countersign: The configuration file names the issuer ${named}; the demo answers at http://127.0.0.1:${other.port}.
Take that line out of it, or start it with: npm start -- --issuer http://127.0.0.1:${other.port}
`,
    })
    const told = await startDemo(other, ['--issuer', `http://127.0.0.1:${other.port}`], beside)
    await told.end('SIGTERM')
    other.remove()
  })

  test('passes over the ports that are taken for the API and the app; npm tells it that it has to end, and waits for that', async () => {
    const other = givenDemoHome(await freePort())
    const taken = createServer()
    await new Promise<void>(resolve => void taken.listen(other.port + 1, '127.0.0.1', resolve))
    const second = await startDemo(other, [], {}, { byNpm: true })
    const ports = [second.issuer, second.apiUrl, second.appUrl].map(url => Number(new URL(url).port) - other.port)
    expect(ports[0]).toBe(0)
    expect(ports[1]).toBeGreaterThan(1)
    expect(ports[2]).toBeGreaterThan(ports[1] ?? 0)
    expect((await second.end('SIGTERM')).code).toBe(0)
    taken.close()
    other.remove()
  })

  test('serves its own files and no others, under its own name', async () => {
    const status = async (path: string): Promise<number> => (await fetch(demo.appUrl + path)).status
    expect(await status('/app/main.ts')).toBe(200)
    expect(await status('/docs/refresh.md')).toBe(200)
    for (const path of ['/app/..%2fmain.ts', '/main.ts', '/app/', '/package.json', '/docs/..%2fpackage.json', '//']) {
      expect([path, await status(path)]).toEqual([path, path === '//' ? 400 : 404])
    }
    const byOtherName = await fetch(demo.appUrl.replace('127.0.0.1', 'localhost'), { redirect: 'manual' })
    expect([byOtherName.status, byOtherName.headers.get('location')]).toEqual([307, `${demo.appUrl}/`])
  })

  test('hands its instruments to nobody but its own page', async () => {
    for (const headers of [{}, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]) {
      const answer = await fetch(`${demo.appUrl}/laboratory/retire-key`, { method: 'POST', headers, body: '{}' })
      expect([answer.status, (await answer.json()).reason]).toEqual([403, 'origin_refused'])
    }
  })
})

test('any client can be pointed at it: it finds where to register, and does', async () => {
  const found = await fetch(`${demo.issuer}/.well-known/openid-configuration`)
  const { registration_endpoint, client_id_metadata_document_supported } = await found.json()
  expect(client_id_metadata_document_supported).toBe(true)
  const answer = await fetch(registration_endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['http://127.0.0.1/callback'], scope: 'openid notes:read account' }),
  })
  const registered = await answer.json()
  expect([answer.status, registered.scope]).toEqual([201, 'openid notes:read'])
  const again = await fetch(registered.registration_client_uri, {
    headers: { authorization: `Bearer ${registered.registration_access_token}` },
  })
  expect((await again.json()).client_id).toBe(registered.client_id)
})
