import { expect, test } from 'vitest'
import { handleRedirect, type Page, signInWithRedirect } from './redirect.ts'
import { textStorageOf } from './testing/storage-contract.ts'
import { createWorld, issuerUrl, type Tab, type World } from './testing/world.ts'

const home = 'https://app.example.com/inbox?tab=2#top'

interface TestPage extends Page {
  href: string
}

function pageOf(href = home): TestPage {
  const page: TestPage = {
    href,
    assign(url) {
      page.href = url
    },
    replace(url) {
      page.href = url
    },
    memory: textStorageOf()(),
  }
  return page
}

/** To the issuer and back. */
async function goAndReturn(world: World, tab: Tab, page: TestPage): Promise<void> {
  await world.until(signInWithRedirect(tab.app, { page, redirectUri: 'https://app.example.com/callback' }))
  const asked = new URL(page.href)
  expect(asked.origin + asked.pathname).toBe(`${issuerUrl}/authorize`)
  const answer = await world.issuer.respond(new Request(page.href))
  page.href = answer.headers.get('Location') ?? ''
}

test('sign-in by redirect: code, PKCE S256, a bound login, and a clean address (RFC 7636, RFC 9449)', async () => {
  const world = createWorld()
  const tab = world.tab()
  const page = pageOf()
  await goAndReturn(world, tab, page)
  expect(page.href).toMatch(/^https:\/\/app\.example\.com\/callback\?code=/)
  const result = await world.until(handleRedirect(tab.app, page))
  expect(result).toMatchObject({ refused: false, sessionId: expect.stringMatching(/^session-/) })
  expect(page.href).toBe('https://app.example.com/callback')
  expect(tab.app.state).toEqual({ status: 'fresh' })
  expect(tab.app.bound).toBe(true)
  expect(await world.until(handleRedirect(tab.app, page))).toBeUndefined()
})

test('by default the person comes back to this page, without query and fragment', async () => {
  const world = createWorld()
  const page = pageOf()
  await world.until(signInWithRedirect(world.tab().app, { page, scope: 'account', prompt: 'create' }))
  const { searchParams } = new URL(page.href)
  expect(searchParams.get('redirect_uri')).toBe('https://app.example.com/inbox')
  expect(searchParams.get('scope')).toBe('account')
  expect(searchParams.get('prompt')).toBe('create')
  expect(searchParams.get('code_challenge_method')).toBe('S256')
})

test('a page that is no answer of the issuer is left alone', async () => {
  const world = createWorld()
  const page = pageOf()
  expect(await world.until(handleRedirect(world.tab().app, page))).toBeUndefined()
  expect(page.href).toBe(home)
})

const attacks: Record<string, [change: (query: URLSearchParams) => void, reason: string]> = {
  'a state that this tab has not sent (CSRF)': [query => query.set('state', 'forged'), 'state_mismatch'],
  'the answer of another issuer (mix-up, RFC 9207)': [
    query => query.set('iss', 'https://evil.example'),
    'issuer_mismatch',
  ],
  'an answer without an issuer': [query => query.delete('iss'), 'issuer_mismatch'],
  'a code of somebody else': [query => query.set('code', 'stolen'), 'code_invalid'],
}

for (const [name, [change, reason]] of Object.entries(attacks)) {
  test(`${name} is refused`, async () => {
    const world = createWorld()
    const tab = world.tab()
    const page = pageOf()
    await goAndReturn(world, tab, page)
    const url = new URL(page.href)
    change(url.searchParams)
    page.href = url.href
    expect(await world.until(handleRedirect(tab.app, page))).toMatchObject({ refused: true, reason })
    expect(tab.app.state).toEqual({ status: 'signedOut', reason: 'none' })
    expect(page.href).toBe('https://app.example.com/callback')
    if (reason !== 'code_invalid') expect(world.posts('/token')).toBe(0)
  })
}

test('an answer is good once: the same address again is refused', async () => {
  const world = createWorld()
  const tab = world.tab()
  const page = pageOf()
  await goAndReturn(world, tab, page)
  const { href } = page
  await world.until(handleRedirect(tab.app, page))
  page.href = href
  expect(await world.until(handleRedirect(tab.app, page))).toMatchObject({ reason: 'state_mismatch' })
  expect(world.posts('/token')).toBe(1)
  expect(tab.app.state).toEqual({ status: 'fresh' })
})

test('what the issuer refuses comes back as a value', async () => {
  const world = createWorld()
  const tab = world.tab()
  const page = pageOf()
  await goAndReturn(world, tab, page)
  const state = new URL(page.href).searchParams.get('state')
  const query = new URLSearchParams({
    error: 'access_denied',
    error_description: 'No.',
    state: state ?? '',
    iss: issuerUrl,
  })
  page.href = `https://app.example.com/callback?${query}`
  expect(await world.until(handleRedirect(tab.app, page))).toEqual({
    refused: true,
    reason: 'access_denied',
    description: 'No.',
    retryAfterSeconds: 0,
  })
})
