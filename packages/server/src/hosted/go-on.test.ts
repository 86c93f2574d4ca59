import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Browser, browser } from '../testing/browser.ts'
import { authorization } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, password, redirectUri, sampleClients } from '../testing/given.ts'

const web = 'https://web.example/callback?from=countersign'
let to: GivenServer
let page: Browser

beforeAll(async () => {
  const clients = sampleClients.map(client => ({ ...client, postLogoutRedirectUris: client.redirectUris }))
  to = await given.server({ clients })
  page = browser(to)
  await page.signUp()
})
afterAll(closeGiven)

const request = (client_id: string, redirect_uri: string): string => authorization({ client_id, redirect_uri }).path
const signInFor = (path: string): string => `/sign-in?${new URLSearchParams({ return_to: path })}`
const formActionOf = async (path: string): Promise<string | undefined> =>
  /form-action [^;]*/.exec((await page.get(path)).headers['content-security-policy'] ?? '')?.[0]

describe('from a form to an application whose callback may lead on to another origin (e2e/consent.test.ts shows it in a browser)', () => {
  test('one leaves by a page that moves on by itself, and no form may lead anywhere else', async () => {
    const path = request('web', web)
    expect(await formActionOf(signInFor(path))).toBe("form-action 'self'")
    const { headers, text } = await page.submit(signInFor(path), { email: 'maria@example.com', password })
    expect(headers.refresh).toMatch(/^0;url=\/authorize\?/)
    expect(headers['cross-origin-opener-policy']).toBe('unsafe-none')
    expect(text).toContain('Continue')
    const back = await page.get(headers.refresh?.slice('0;url='.length) ?? '')
    expect([back.status, back.headers.refresh]).toEqual([303, undefined])
    expect(back.headers.location).toMatch(/^https:\/\/web\.example\/callback\?from=countersign&code=/)
  })

  test('to one that is somebody else’s, with or without a secret, too', async () => {
    const path = request('stranger', 'https://stranger.example/callback')
    const { headers } = await page.get(path)
    expect(await formActionOf(headers.location ?? '')).toBe("form-action 'self'")
    const allowed = await page.decide(headers.location ?? '', 'allow')
    expect(allowed.headers.refresh).toMatch(/^0;url=https:\/\/stranger\.example\/callback\?code=/)
  })

  test('to an app of one’s own without a secret, which may be on a phone, by redirects, and the form may lead there', async () => {
    const path = request('app', redirectUri)
    expect(await formActionOf(signInFor(path))).toBe("form-action 'self' https://app.example")
    const { headers, status } = await page.submit(signInFor(path), { email: 'maria@example.com', password })
    expect([status, headers.refresh]).toEqual([303, undefined])
  })

  test('after signing out as after signing in', async () => {
    const leads = (client_id: string, post_logout_redirect_uri: string): string =>
      `/logout?${new URLSearchParams({ client_id, post_logout_redirect_uri })}`
    expect(await formActionOf(leads('app', redirectUri))).toBe("form-action 'self' https://app.example")
    expect(await formActionOf(leads('web', web))).toBe("form-action 'self'")
    const { headers, text } = await page.submit(leads('web', web), {})
    expect(headers.refresh).toBe(`0;url=${web}`)
    expect(text).toContain('You are signed out')
    expect((await page.get('/account')).status).toBe(303)
  })
})
