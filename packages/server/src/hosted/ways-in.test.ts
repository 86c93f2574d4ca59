import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSmtp } from '../mail/smtp-transport.ts'
import { type Browser, browser } from '../testing/browser.ts'
import { type Answer, postForm } from '../testing/calls.ts'
import { closeConnected, connectedServer, pathOf, signInWith } from '../testing/connected.ts'
import type { GivenServer } from '../testing/given.ts'
import { linkIn, mailServer } from '../testing/mail-server.ts'
import { type OpenidUpstream, startOpenid } from '../testing/upstreams/openid.ts'
import { type SocialUpstream, startGithub } from '../testing/upstreams/social.ts'

afterEach(closeConnected)

const path = '/account/connections'
let work: OpenidUpstream
let github: SocialUpstream
let to: GivenServer

beforeEach(async () => {
  work = await startOpenid()
  github = await startGithub()
  to = await connectedServer([work.settings, github.settings])
})

/** The link on the page that adds a connection. */
async function linkTo(page: Browser, name: string): Promise<string | undefined> {
  const { text } = await page.get(path)
  return new RegExp(`href="(/connections/${name}\\?link=[^"]*)"`).exec(text)?.[1]?.replaceAll('&amp;', '&')
}

/** To the provider by that link; the address that the browser comes back with. */
async function goTo(page: Browser, name: string, upstream: OpenidUpstream | SocialUpstream): Promise<string> {
  const there = (await page.get((await linkTo(page, name)) ?? '')).headers.location ?? ''
  return pathOf(await upstream.visit(there))
}

const add = async (page: Browser, name: string, upstream: OpenidUpstream | SocialUpstream): Promise<Answer> =>
  page.get(await goTo(page, name, upstream))

const userAt = async (name: string, subject: string) => (await to.store.loadUserByIdentity(name, subject)).user

const unlink = (page: Browser, connection: string, subject: string): Promise<Answer> =>
  page.submit(path, { command: 'unlink', connection, subject })

async function withPassword(email = 'maria@example.com'): Promise<Browser> {
  const page = browser(to)
  await page.signUp(email)
  return page
}

describe('adding a way to sign in', () => {
  test('makes it the user’s, is audited, confirms the address that both have, and is a way in from then on', async () => {
    const page = await withPassword()
    const before = (await to.audit()).length
    expect((await add(page, 'work', work)).headers.location).toBe(`${path}?done=link`)
    expect(await to.auditedSince(before)).toEqual(['identity.linked'])
    const user = await userAt('work', 'm-1')
    expect(user?.emailVerifiedAt).not.toBeNull()
    expect((await page.get(`${path}?done=link`)).text).toContain('maria@example.com')
    const { headers } = await signInWith(to, work, 'work')
    expect([headers.location, (await userAt('work', 'm-1'))?.id]).toEqual(['/account', user?.id])
  })

  test('is told by mail: a thief leaves none behind unseen, and "this was not me" takes it away', async () => {
    const post = await mailServer()
    const mail = await openSmtp({ url: post.url, from: { name: 'Sample', address: 'no-reply@login.example' } })
    to = await connectedServer([work.settings], { mail, every: () => () => {} })
    const thief = await withPassword()
    await add(thief, 'work', work)
    await to.server.mails?.look()
    const told = post.lastTo('maria@example.com', '/not-me')
    expect(told.headers.subject).toBe('Another way to sign in to Sample was added')
    const owner = browser(to)
    await owner.get(linkIn(told))
    await owner.submit('/not-me', {})
    expect(await userAt('work', 'm-1')).toBeUndefined()
    await post.close()
  })

  test('stays when a password is forgotten, and is named on the page after the new one, with where it is taken away', async () => {
    const post = await mailServer()
    const mail = await openSmtp({ url: post.url, from: { name: 'Sample', address: 'no-reply@login.example' } })
    to = await connectedServer([work.settings], { mail, every: () => () => {} })
    const email = 'maria@example.com'
    const thief = await withPassword(email)
    await add(thief, 'work', work)
    const owner = browser(to)
    const forget = async (new_password: string): Promise<Answer> => {
      await owner.submit('/forgot-password', { email })
      await to.server.mails?.look()
      await owner.get(linkIn(post.lastTo(email, '/reset-password')))
      return owner.submit('/reset-password', { new_password })
    }
    const done = await forget('another fine battery')
    expect([done.status, done.headers['cache-control']]).toEqual([200, 'no-store'])
    const { title } = to.server.services.connections.byName('work') ?? {}
    for (const words of [
      'Your password has been changed',
      `<bdi>${title}</bdi>`,
      'somebody else can still use your account',
    ])
      expect(done.text).toContain(words)
    const signIn = '/sign-in?return_to=/account/connections'
    expect(done.text).toContain(`href="${signIn}"`)
    expect((await browser(to).get('/reset-password?done=reset')).text).not.toContain(`<bdi>${title}</bdi>`)
    expect((await thief.get('/account')).status).toBe(303)
    expect((await owner.submit(signIn, { email, password: 'another fine battery' })).headers.location).toBe(path)
    await unlink(owner, 'work', 'm-1')
    expect(await userAt('work', 'm-1')).toBeUndefined()
    expect((await forget('yet another battery')).headers.location).toBe('/reset-password?done=reset')
    await post.close()
  })

  test('asks for the sign-in once more after ten minutes, also at the very link', async () => {
    const page = await withPassword()
    const link = (await linkTo(page, 'work')) ?? ''
    await to.later(600)
    expect(await linkTo(page, 'work')).toBeUndefined()
    expect((await page.get(path)).text).toContain('/sign-in?return_to=/account/connections')
    expect((await page.get(link)).headers.location).toBe(`${path}?problem=reauthentication_required`)
    expect((await page.signIn('maria@example.com', `/sign-in?return_to=${path}`)).headers.location).toBe(path)
    expect((await add(page, 'work', work)).headers.location).toBe(`${path}?done=link`)
  })

  test('of somebody else’s account there is refused: nobody loses theirs', async () => {
    await signInWith(to, work, 'work')
    const owner = await userAt('work', 'm-1')
    const page = await withPassword('other@example.com')
    expect((await add(page, 'work', work)).headers.location).toBe(`${path}?problem=identity_taken`)
    expect((await userAt('work', 'm-1'))?.id).toBe(owner?.id)
    expect((await page.get(`${path}?problem=identity_taken`)).status).toBe(409)
  })

  test('begins on our page alone: a link that another site has written, or an old one, is refused', async () => {
    const page = await withPassword()
    const link = (await linkTo(page, 'work')) ?? ''
    const victim = await withPassword('victim@example.com')
    for (const one of [link, '/connections/work?link=made-up']) {
      expect((await victim.get(one)).headers.location).toBe(`${path}?problem=csrf_refused`)
    }
    expect((await page.get(link.replace('/work', '/github'))).headers.location).toBe(`${path}?problem=csrf_refused`)
    expect((await browser(to).get(link)).headers.location).toBe(`/sign-in?return_to=${encodeURIComponent(path)}`)
    await to.later(60)
    await page.signIn()
    expect((await page.get(link)).headers.location).toBe(`${path}?problem=csrf_refused`)
  })

  test('CVE-2026-9087: the proof is good for one identity, once', async () => {
    const page = await withPassword()
    const back = await goTo(page, 'work', work)
    expect((await page.get(back)).headers.location).toBe(`${path}?done=link`)
    work.person = { ...work.person, sub: 'attacker' }
    expect((await page.get(back)).headers.location).toContain('problem=connection_state_invalid')
    expect(await userAt('work', 'attacker')).toBeUndefined()
  })

  test('CVE-2026-9087: ends in the session that began it: another user in the same browser gets nothing', async () => {
    const page = await withPassword()
    const back = await goTo(page, 'work', work)
    await page.signUp('other@example.com')
    expect((await page.get(back)).headers.location).toContain('problem=connection_state_invalid')
    expect(await userAt('work', 'm-1')).toBeUndefined()
  })

  test('attack 35: and in the browser that began it: an attacker’s answer adds nothing to a victim', async () => {
    const attacker = await withPassword('attacker@example.com')
    const back = await goTo(attacker, 'work', work)
    const victim = await withPassword('victim@example.com')
    expect((await victim.get(back)).headers.location).toContain('problem=connection_state_invalid')
    expect(await userAt('work', 'm-1')).toBeUndefined()
  })

  test('an answer of a sign-in adds nothing, and one of an addition signs nobody in', async () => {
    const page = await withPassword()
    const back = await goTo(page, 'work', work)
    page.jar.delete('__Host-countersign')
    expect((await page.get(back)).headers.location).toContain('problem=connection_state_invalid')
    expect(page.jar.has('__Host-countersign')).toBe(false)
  })

  test('that fails there is told on the page', async () => {
    const page = await withPassword()
    const back = await goTo(page, 'work', work)
    work.fault = 'broken'
    expect((await page.get(back)).headers.location).toBe(`${path}?problem=connection_unavailable`)
  })
})

describe('taking one away', () => {
  test('is audited, forgets what was told and given, and the next sign-in with it is a new user', async () => {
    to = await connectedServer([{ ...work.settings, keep_tokens: true }, github.settings])
    const page = await withPassword()
    await add(page, 'work', work)
    const user = await userAt('work', 'm-1')
    const before = (await to.audit()).length
    expect((await unlink(page, 'work', 'm-1')).headers.location).toBe(`${path}?done=unlink`)
    expect(await to.auditedSince(before)).toEqual(['identity.unlinked'])
    const { identity } = await to.store.loadUserByIdentity('work', 'm-1')
    expect(identity).toMatchObject({ told: null, sealedTokens: null })
    work.person = { ...work.person, email: 'maria@elsewhere.example' }
    await signInWith(to, work, 'work')
    expect((await userAt('work', 'm-1'))?.id).not.toBe(user?.id)
  })

  test('is refused for the last way in; also if two are taken away at once', async () => {
    const { page } = await signInWith(to, work, 'work')
    expect((await page.get(path)).text).not.toContain('value="unlink"')
    expect((await unlink(page, 'work', 'm-1')).headers['countersign-reason']).toBe('last_way_in')
    await add(page, 'github', github)
    const answers = await Promise.all([unlink(page, 'work', 'm-1'), unlink(page, 'github', '583231')])
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409])
    const left = [await userAt('work', 'm-1'), await userAt('github', '583231')].filter(user => user !== undefined)
    expect(left).toHaveLength(1)
  })

  test('an identity whose connection is configured no more is no way in', async () => {
    const { page } = await signInWith(to, work, 'work')
    await add(page, 'github', github)
    const store = to.store
    to = await connectedServer([work.settings], { openStore: async () => store })
    const there = browser(to)
    for (const [name, value] of page.jar) there.jar.set(name, value)
    expect((await unlink(there, 'work', 'm-1')).headers['countersign-reason']).toBe('last_way_in')
  })

  test('needs a fresh sign-in, our form, and an identity of one’s own', async () => {
    const page = await withPassword()
    await add(page, 'work', work)
    const other = await withPassword('other@example.com')
    expect((await unlink(other, 'work', 'm-1')).headers['countersign-reason']).toBe('identity_unknown')
    const cookie = [...page.jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const forged = await postForm(to, path, { command: 'unlink', connection: 'work', subject: 'm-1' }, { cookie })
    expect(forged.headers['countersign-reason']).toBe('csrf_refused')
    await to.later(600)
    expect((await unlink(page, 'work', 'm-1')).headers['countersign-reason']).toBe('reauthentication_required')
    expect(await userAt('work', 'm-1')).toBeDefined()
  })
})
