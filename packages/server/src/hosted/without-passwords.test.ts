import { newIdentity } from '@countersign/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSmtp } from '../mail/smtp-transport.ts'
import { type Browser, browser } from '../testing/browser.ts'
import { authorization, postJson } from '../testing/calls.ts'
import { closeConnected, connectedServer, pathOf, signInWith } from '../testing/connected.ts'
import { type GivenOptions, type GivenServer, password } from '../testing/given.ts'
import { linkIn, mailServer } from '../testing/mail-server.ts'
import { type OpenidUpstream, startOpenid } from '../testing/upstreams/openid.ts'

afterEach(closeConnected)

const email = 'maria@example.com'
let work: OpenidUpstream
let to: GivenServer

beforeEach(async () => {
  work = await startOpenid()
  to = await switchedOff()
})

const switchedOff = (more: GivenOptions = {}): Promise<GivenServer> =>
  connectedServer([work.settings], { ...more, config: { passwords: 'off' } })

/** Servers that have passwords and then have none, or the other way round: on the same store. */
const sameStore = (): GivenOptions => {
  const { store } = to
  return { openStore: async () => store, closesStore: false }
}

const csrfOf = async (page: Browser, path: string): Promise<string> =>
  /name="csrf" value="([^"]+)"/.exec((await page.get(path)).text)?.[1] ?? ''

test('no page has a field for a password, and the ways of the connections are there', async () => {
  const page = browser(to)
  for (const path of ['/sign-in', '/sign-up']) {
    const { status, text } = await page.get(path)
    expect([path, status]).toEqual([path, 200])
    expect(text).not.toMatch(/type="password"|<form|Forgot|Enter your password/)
    expect(text).toContain('/connections/work')
  }
  await signInWith(to, work, 'work', { page })
  expect((await page.get('/account')).text).not.toMatch(/type="password"|change_password|change your password/)
  for (const path of ['/forgot-password', '/reset-password']) expect((await page.get(path)).status).toBe(404)
})

test('every way to use one is refused with passwords_off, also to who has one', async () => {
  await browser(await connectedServer([work.settings], sameStore())).signUp('rosa@example.com')
  const { page } = await signInWith(to, work, 'work')
  const csrf = await csrfOf(page, '/account')
  const forms: [string, Record<string, string>][] = [
    ['/sign-in', { email: 'rosa@example.com', password }],
    ['/sign-up', { email: 'new@example.com', password }],
    ['/account', { command: 'change_password', current_password: password, new_password: 'another fine battery' }],
  ]
  for (const [path, fields] of forms) {
    const { status, headers } = await page.submit(path, { csrf, ...fields })
    expect([path, status, headers['countersign-reason']]).toEqual([path, 403, 'passwords_off'])
  }
  const calls: [string, Record<string, string>][] = [
    ['/v1/users', { email: 'new@example.com', password }],
    ['/v1/sessions', { email: 'rosa@example.com', password, client_id: 'bearer-app' }],
  ]
  for (const [path, body] of calls) {
    const answer = await postJson(to, path, body)
    expect([path, answer.status, answer.body.reason]).toEqual([path, 403, 'passwords_off'])
  }
  const { admin } = to.server
  expect(await admin.addUser({ email: 'new@example.com', password })).toMatchObject({ reason: 'passwords_off' })
  expect(await admin.addUser({ email: 'new@example.com' })).toMatchObject({ email: 'new@example.com' })
})

test('a password that somebody has is kept and no way in; switched on again it is good as before', async () => {
  const before = await connectedServer([work.settings], sameStore())
  const page = browser(before)
  await page.signUp('rosa@example.com')
  const link = /href="(\/connections\/work\?link=[^"]*)"/.exec((await page.get('/account/connections')).text)?.[1]
  const there = (await page.get(link?.replaceAll('&amp;', '&') ?? '')).headers.location ?? ''
  await page.get(pathOf(await work.visit(there)))
  const here = browser(to)
  await signInWith(to, work, 'work', { page: here })
  expect((await here.get('/account/connections')).text).not.toContain('value="unlink"')
  work.person = { ...work.person, sub: 'r-1', email: 'rosa@example.com' }
  const stranger = await signInWith(to, work, 'work')
  expect((await stranger.page.get(stranger.headers.location ?? '')).text).toContain('if you had a password alone')
  const refused = await here.submit('/account/connections', { command: 'unlink', connection: 'work', subject: 'm-1' })
  expect(refused.headers['countersign-reason']).toBe('last_way_in')
  expect(await to.server.admin.showUser('rosa@example.com')).toMatchObject({ ways_in: ['work'] })
  expect((await browser(before).signIn('rosa@example.com')).status).toBe(303)
})

test('who has to show once more who they are does so with a connection', async () => {
  const { page } = await signInWith(to, work, 'work')
  const asked = await page.get(authorization({ max_age: '0' }).path)
  const { text } = await page.get(asked.headers.location ?? '')
  const href = /href="(\/connections\/work\?[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const there = (await page.get(href)).headers.location ?? ''
  expect(new URL(there).searchParams.get('prompt')).toBe('login')
  work.person = { ...work.person, auth_time: Math.floor(Date.now() / 1000) }
  const back = await page.get(pathOf(await work.visit(there)))
  const on = /url=([^"]*)/.exec(String(back.headers.refresh))?.[1] ?? ''
  expect((await page.get(on)).headers.location).toContain('code=')
})

test.each([
  ['takes off what was added in that one', false],
  ['gives back the way in with which the account began, where the other took it off', true],
])(
  '"this was not me" ends every session, %s, and leaves the password that is kept; its mail speaks of none',
  async (_what, takesOff) => {
    const post = await mailServer()
    const mail = await openSmtp({ url: post.url, from: { name: 'Sample', address: 'no-reply@login.example' } })
    to = await switchedOff({ mail, every: () => () => {} })
    await signInWith(to, work, 'work')
    await to.later(1)
    const thief = browser(to, 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0')
    await signInWith(to, work, 'work', { page: thief })
    const { user, now } = await to.store.loadUserByEmail(email)
    const row = newIdentity({ connection: 'work', subject: 'thief', userId: user?.id ?? '', linkedAt: now })
    await to.store.commit({ writes: [{ table: 'identity', row }], audit: [], entries: [], durable: true, time: now })
    if (takesOff) {
      await thief.submit('/account/connections', {
        command: 'unlink',
        connection: 'work',
        subject: 'm-1',
      })
      expect((await to.store.listIdentities(user?.id ?? '')).map(({ subject }) => subject)).toEqual(['thief'])
    }
    await to.server.mails?.look()
    const told = post.lastTo(email)
    expect(told.text).not.toContain('password')
    const page = browser(to)
    await page.get(linkIn(told))
    const { text } = await page.get('/not-me')
    expect(text).toContain('All sessions of your account end at once')
    for (const what of ['applications', 'ways to sign in']) expect(told.text).toContain(what)
    for (const what of ['applications', 'Ways to sign in']) expect(text).toContain(what)
    expect((await page.submit('/not-me', {})).headers.location).toBe('/not-me?done=ended')
    expect((await page.get('/not-me?done=ended')).text).toContain('href="/sign-in"')
    expect((await thief.get('/account')).status).toBe(303)
    const standing = await to.store.listIdentities(user?.id ?? '')
    expect(standing.map(({ subject }) => subject)).toEqual([work.person.sub])
    await to.server.mails?.look()
    expect(post.lastTo(email).text).toBe(told.text)
    expect((await page.get('/not-me')).headers['countersign-reason']).toBe('mail_link_invalid')
    await post.close()
  },
)

test('to confirm an address one signs in to its account with a connection; another account does not do', async () => {
  const post = await mailServer()
  const mail = await openSmtp({ url: post.url, from: { name: 'Sample', address: 'no-reply@login.example' } })
  const more = { ...sameStore(), mail, every: () => () => {} }
  const before = await connectedServer([work.settings], more)
  await browser(before).signUp('rosa@example.com')
  await before.server.mails?.look()
  to = await switchedOff(more)
  const page = browser(to)
  await page.get(linkIn(post.lastTo('rosa@example.com')))
  const { text } = await page.get('/verify-address')
  expect(text).toContain('href="/sign-in?return_to=/verify-address"')
  expect(text).not.toMatch(/type="password"|<form|forgot-password/)
  const { headers } = await signInWith(to, work, 'work', { page, returnTo: '/verify-address' })
  // Somebody else's account: its address is not theirs to confirm.
  expect(headers.location).toBe('/verify-address')
  expect((await page.get('/verify-address')).text).not.toContain('<form')
  await post.close()
})

test('a server without passwords and without connections lets nobody in, and does not start', async () => {
  to = await connectedServer([], { config: { passwords: 'off' } })
  await expect(to.server.listen({ host: '127.0.0.1', port: 0 })).rejects.toThrow('there is no connection')
})
