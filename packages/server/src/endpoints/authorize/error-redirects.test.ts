import { declareClient } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { browser } from '../../testing/browser.ts'
import { authorization } from '../../testing/calls.ts'
import { closeGiven, type GivenOptions, given, sampleClients } from '../../testing/given.ts'

afterEach(closeGiven)

const redirect_uri = 'https://fishing.example/callback'
const client_id = 'stranger-1'
const stranger = declareClient({
  id: client_id,
  name: 'Your bank',
  origin: 'registered',
  redirectUris: [redirect_uri, 'com.fishing.app:/callback'],
  scopes: ['openid', 'notes'],
  defaultScopes: ['openid'],
})

async function opened(more: Partial<typeof stranger> = {}, config: GivenOptions['config'] = {}) {
  const to = await given.server({ clients: [...sampleClients, { ...stranger, ...more }], config })
  return { to, page: browser(to) }
}

const path = (more: Readonly<Record<string, string>> = {}) => authorization({ client_id, redirect_uri, ...more }).path
const none = path({ prompt: 'none' })

describe('to the address of an application that registered itself no link to this server leads by itself (RFC 9700 §4.11.2)', () => {
  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['nobody signed in', { prompt: 'none' }, 'login_required'],
    ['a scope that nobody has', { scope: 'x' }, 'scope_invalid'],
    ['no challenge', { code_challenge: '' }, 'pkce_required'],
    ['another response type', { response_type: 'token' }, 'response_type_unsupported'],
    ['a state without end', { state: 'x'.repeat(3_000) }, 'parameter_invalid'],
  ])('%s: a page with a button that says where it leads', async (_, parameters, reason) => {
    const { page } = await opened()
    const answer = await page.get(path(parameters))
    expect([answer.headers.location, answer.headers['countersign-reason']]).toEqual([undefined, reason])
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.text).toContain('The button leads to <bdi class="name">fishing.example</bdi>')
    const link = /href="(https:\/\/fishing[^"]+)"/.exec(answer.text)?.[1]?.replaceAll('&amp;', '&')
    const told = new URL(link ?? '').searchParams
    expect([told.has('error'), told.get('reason'), told.get('iss')]).toEqual([true, reason, 'https://login.example'])
  })

  test('who is signed in and has allowed it nothing is no acquaintance of its', async () => {
    const { page } = await opened()
    await page.signUp()
    const answer = await page.get(none)
    expect([answer.headers.location, answer.headers['countersign-reason']]).toEqual([undefined, 'consent_required'])
  })

  test('a form is not sent by itself either: its button sends it', async () => {
    const { page } = await opened()
    const answer = await page.get(path({ prompt: 'none', response_mode: 'form_post' }))
    expect(answer.text).not.toContain('<script')
    expect(answer.text).toContain(`<form method="post" action="${redirect_uri}">`)
    expect(answer.text).toContain('name="error" value="login_required"')
    expect(answer.headers['content-security-policy']).toContain("form-action 'self' https://fishing.example")
  })

  test('an app’s own scheme is not linked to', async () => {
    const { page } = await opened()
    const answer = await page.get(path({ prompt: 'none', redirect_uri: 'com.fishing.app:/callback' }))
    expect([answer.headers.location, answer.text.includes('com.fishing.app')]).toEqual([undefined, false])
  })

  test('once its user has allowed it, and for a no on the page that names it, it is told at once', async () => {
    const { page } = await opened()
    await page.signUp()
    const asked = (await page.get(path())).headers.location ?? ''
    const no = await page.decide(asked, 'deny')
    expect(no.headers.location).toMatch(/^https:\/\/fishing\.example\/callback\?error=access_denied&/)
    await page.follow(path())
    const wider = await page.get(path({ prompt: 'none', scope: 'openid notes' }))
    expect(wider.headers.location).toMatch(/^https:\/\/fishing\.example\/callback\?error=consent_required&/)
    await page.submit('/account/applications', { command: 'withdraw', client_id })
    expect((await page.get(none)).headers.location).toBeUndefined()
  })
})

test.each([
  ['an operator has made', { origin: 'operator' as const }],
  ['an operator has declared', { origin: 'declared' as const }],
  ['an operator trusts', { consent: 'implied' as const }],
])('a client that %s is told at once', async (_, more) => {
  const { page } = await opened(more)
  expect((await page.get(none)).headers.location).toContain('error=login_required')
})

test('error_redirects: all tells everybody at once', async () => {
  const { page } = await opened({}, { errorRedirects: 'all' })
  expect((await page.get(none)).headers.location).toContain('error=login_required')
})
