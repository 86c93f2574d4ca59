import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import {
  beginWith,
  closeConnected,
  connectedServer,
  connectedToOpenid,
  pathOf,
  signInWith,
} from '../testing/connected.ts'
import type { GivenServer } from '../testing/given.ts'
import type { OpenidUpstream } from '../testing/upstreams/openid.ts'
import type { Fault } from '../testing/upstreams/upstream.ts'

afterEach(closeConnected)

let upstream: OpenidUpstream
let to: GivenServer

beforeEach(async () => {
  ;({ upstream, to } = await connectedToOpenid())
})

describe('an answer that cannot be believed signs nobody in, and leaves nothing', () => {
  test.each<[string, Fault]>([
    ['attack 33 (CVE-2026-31813): an ID token of another issuer', 'other_issuer'],
    ['a signature of another key', 'other_key'],
    ['an ID token for another client', 'other_audience'],
    ['an ID token of another sign-in', 'other_nonce'],
    ['a UserInfo about somebody else', 'other_subject'],
  ])('%s', async (_what, fault) => {
    upstream.fault = fault
    const before = (await to.audit()).length
    const { headers, page } = await signInWith(to, upstream, 'work')
    expect(headers.location).toBe('/sign-in?return_to=%2Faccount&problem=connection_answer_invalid')
    const shown = await page.get(headers.location ?? '')
    expect([shown.status, shown.text.includes('an answer that we cannot trust')]).toEqual([403, true])
    expect(await to.auditedSince(before)).toEqual([])
    upstream.fault = undefined
    expect((await signInWith(to, upstream, 'work', { page })).headers.location).toBe('/account')
  })
})

describe('a provider that fails on the way back is told on the page, and the next try goes on', () => {
  test.each<[Fault, number]>([
    ['silent', 5],
    ['broken', 5],
    ['busy', 17],
  ])('%s', async fault => {
    if (fault === 'silent') to = await connectedServer([upstream.settings], { timeoutMs: 1_000 })
    const page = browser(to)
    const back = pathOf(await upstream.visit(await beginWith(page, 'work', '/account/applications')))
    upstream.fault = fault
    const { headers } = await page.get(back)
    expect(headers.location).toBe('/sign-in?return_to=%2Faccount%2Fapplications&problem=connection_unavailable')
    const shown = await page.get(headers.location ?? '')
    expect([shown.status, Number(shown.headers['retry-after']) > 0]).toEqual([503, true])
    expect(shown.text).toContain('The other site cannot be reached at the moment.')
    upstream.fault = undefined
    const link = /href="(\/connections\/work[^"]*)"/.exec(shown.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const again = await upstream.visit((await page.get(link)).headers.location ?? '')
    expect((await page.get(pathOf(again))).headers.location).toBe('/account/applications')
  })
})

test('a provider that is away before anybody goes there is told at once, and is asked again the next time', async () => {
  upstream.fault = 'broken'
  expect(await beginWith(browser(to), 'work')).toBe('/sign-in?return_to=%2Faccount&problem=connection_unavailable')
  upstream.fault = undefined
  expect((await signInWith(to, upstream, 'work')).headers.location).toBe('/account')
})

test.each([{}, { sub: '' }, { sub: null }, { error: 'server_error' }])(
  'GHSA-5hvv-9cqv-894r: an answer about nobody is no user: %j',
  async person => {
    upstream.person = person
    expect((await signInWith(to, upstream, 'work')).headers.location).toContain('problem=connection_answer_invalid')
    expect((await to.audit()).map(({ record }) => record.event)).not.toContain('user.created')
  },
)

test('who says no there is back on the sign-in page', async () => {
  upstream.fault = 'declines'
  const { headers, page } = await signInWith(to, upstream, 'work')
  expect(headers.location).toContain('problem=connection_denied')
  expect((await page.get(headers.location ?? '')).text).toContain('The sign-in there was cancelled.')
})

test('a provider that changes its key without a word: nobody notices', async () => {
  expect((await signInWith(to, upstream, 'work')).headers.location).toBe('/account')
  await upstream.flipKey()
  expect((await signInWith(to, upstream, 'work')).headers.location).toBe('/account')
  expect(upstream.asked.filter(one => one === 'GET /jwks')).toHaveLength(2)
})

test('a store that is away loses nothing: the page says so, and the next try goes on', async () => {
  let away = false
  to = await connectedServer([upstream.settings], {
    wrapStore: store => ({
      ...store,
      commit: change => (away && change.durable ? Promise.reject(new Error('away')) : store.commit(change)),
    }),
  })
  const page = browser(to)
  const back = pathOf(await upstream.visit(await beginWith(page, 'work')))
  away = true
  expect((await page.get(back)).headers.location).toContain('problem=unavailable')
  away = false
  expect((await to.store.loadUserByIdentity('work', 'm-1')).identity).toBeUndefined()
  expect((await signInWith(to, upstream, 'work', { page })).headers.location).toBe('/account')
})
