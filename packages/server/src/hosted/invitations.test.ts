import { type Client, declareClient, hashClientSecret } from '@countersign/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openSmtp } from '../mail/smtp-transport.ts'
import { type Browser, browser } from '../testing/browser.ts'
import { type Answer, basic, call, get, postJson } from '../testing/calls.ts'
import { closeConnected, connectedServer, pathOf, signInWith } from '../testing/connected.ts'
import { type GivenOptions, type GivenServer, issuer, password, sampleClients } from '../testing/given.ts'
import { linkIn, type MailServer, mailServer } from '../testing/mail-server.ts'
import { type OpenidUpstream, startOpenid } from '../testing/upstreams/openid.ts'

const email = 'maria@example.com'
const secret = 'inviter-secret-0123456789abcdef0123456'
const asInviter = basic('inviter', secret)
const inviter = declareClient({
  id: 'inviter',
  secretHashes: [hashClientSecret(secret)],
  grantTypes: ['client_credentials'],
  scopes: ['users:invite'],
})
const invitations = '/v1/trusted/invitations'
/** With a page that the operator has written down; and without one. */
const shop = declareClient({ id: 'shop', description: { uri: 'https://shop.example/hallo/Grüße;x=1' } })
const plain = declareClient({ id: 'plain' })

let post: MailServer
let work: OpenidUpstream
let to: GivenServer

beforeAll(async () => {
  post = await mailServer()
})
afterAll(() => post.close())
afterEach(closeConnected)
beforeEach(async () => {
  work = await startOpenid()
  to = await server()
})

async function server({ config, ...more }: GivenOptions = {}): Promise<GivenServer> {
  return connectedServer([work.settings], {
    every: () => () => {},
    mail: await openSmtp({ url: post.url, from: { name: 'Sample', address: 'no-reply@login.example' } }),
    clients: [...sampleClients, inviter, shop, plain],
    config: { signUp: 'invitation', ...config },
    ...more,
  })
}

const invite = (more: Record<string, unknown> = {}): Promise<Answer> =>
  postJson(to, invitations, { email, ...more }, asInviter)

/** The path of the link that was handed back. */
const linkOf = ({ body }: Answer): string => pathOf(String(body.link))

async function mailed(): Promise<string> {
  await to.server.mails?.look()
  return linkIn(post.lastTo(email))
}

/** A browser that has come with a link. */
async function cameWith(link: string): Promise<Browser> {
  const page = browser(to)
  expect((await page.get(link)).headers.location).toBe('/invitation')
  return page
}

/** The link to the connection on the page of the invitation. */
async function wayOn(page: Browser): Promise<string> {
  const { text } = await page.get('/invitation')
  return /href="(\/connections\/work\?[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? ''
}

/** To the provider; the path that the browser comes back to. */
async function visitWith(page: Browser): Promise<string> {
  return pathOf(await work.visit((await page.get(await wayOn(page))).headers.location ?? ''))
}

const acceptWith = async (page: Browser): Promise<Answer> => page.get(await visitWith(page))

const accept = (page: Browser, more: Record<string, string> = {}): Promise<Answer> =>
  page.submit('/invitation', { password, ...more })
const reasonOf = ({ headers }: Answer): unknown => headers['countersign-reason']
const userOf = async (address = email) => (await to.store.loadUserByEmail(address)).user

describe('an invitation', () => {
  test('CVE-2022-23555: comes by mail, makes the account of its address by a password, once, and shows that the address is theirs', async () => {
    const made = await invite()
    expect([made.status, made.body]).toEqual([
      201,
      {
        id: expect.any(String),
        email,
        delivery: 'mail',
        created_at: expect.any(String),
        expires_at: expect.any(String),
      },
    ])
    const link = await mailed()
    expect(post.lastTo(email).headers.subject).toBe('You are invited to Sample')
    const page = await cameWith(link)
    const shown = await page.get('/invitation')
    expect(shown.text).toContain(email)
    const before = (await to.audit()).length
    const done = await accept(page, { name: 'Maria', email: 'other@example.com' })
    expect([done.status, done.headers.location]).toEqual([303, '/account'])
    expect((await page.get('/account')).text).toContain('Maria')
    expect(await userOf()).toMatchObject({ email, name: 'Maria', emailVerifiedAt: to.now() })
    const [created] = (await to.audit()).slice(before)
    expect(created?.record).toMatchObject({ event: 'user.created', facts: { invitation: made.body.id } })
    await to.server.mails?.look()
    expect(post.mails.at(-1)?.headers.subject).toBe('You are invited to Sample')
    for (const path of [link, '/invitation']) await page.get(path)
    expect(reasonOf(await page.get('/invitation'))).toBe('mail_link_invalid')
  })

  test('is accepted with a connection, which may know another address: the account has the one that was invited', async () => {
    work.person = { ...work.person, email: 'maria@private.example' }
    await invite()
    const page = await cameWith(await mailed())
    expect((await acceptWith(page)).headers.location).toBe('/account')
    expect(await userOf()).toMatchObject({ email, emailVerifiedAt: to.now(), passwordHash: null })
    expect((await to.store.loadUserByIdentity('work', 'm-1')).user?.id).toBe((await userOf())?.id)
    expect([...page.jar.keys()].filter(name => name.includes('invitation'))).toEqual([])
    expect(reasonOf(await page.get('/invitation'))).toBe('mail_link_invalid')
    expect((await signInWith(to, work, 'work')).headers.location).toBe('/account')
  })

  test('that was opened while another was accepted with a connection stays', async () => {
    const page = await cameWith(linkOf(await invite({ delivery: 'link' })))
    const back = await visitWith(page)
    await page.get(linkOf(await invite({ email: 'rosa@example.com', delivery: 'link' })))
    expect((await page.get(back)).headers.location).toBe('/account')
    expect((await page.get('/invitation')).text).toContain('rosa@example.com')
  })

  test('that stands where nobody may come any more shows why there is no way on', async () => {
    const link = linkOf(await invite({ delivery: 'link' }))
    const { store } = to
    to = await server({ config: { signUp: 'closed' }, openStore: async () => store, closesStore: false })
    const shown = await (await cameWith(link)).get('/invitation')
    expect([shown.status, reasonOf(shown)]).toEqual([403, 'signup_closed'])
  })

  test('whose link was handed back shows nothing of the address, unless a connection says the same', async () => {
    await accept(await cameWith(linkOf(await invite({ delivery: 'link' }))))
    expect(await userOf()).toMatchObject({ email, emailVerifiedAt: null })
    await to.server.mails?.look()
    expect(post.lastTo(email).headers.subject).toBe('Confirm your e-mail address for Sample')
    const rosa = await invite({ email: 'rosa@example.com', delivery: 'link' })
    work.person = { ...work.person, sub: 'r-1', email: 'Rosa@example.com' }
    await acceptWith(await cameWith(linkOf(rosa)))
    expect(await userOf('rosa@example.com')).toMatchObject({ emailVerifiedAt: to.now() })
    const lina = await invite({ email: 'lina@example.com', delivery: 'link' })
    work.person = { sub: 'l-1', email: 'lina@example.com', email_verified: false }
    await acceptWith(await cameWith(linkOf(lina)))
    expect(await userOf('lina@example.com')).toMatchObject({ emailVerifiedAt: null })
  })

  test('CVE-2025-64708: takes the place of the one before, can be taken back, and ends by itself; the page says the same of all', async () => {
    const links = [
      linkOf(await invite({ delivery: 'link' })),
      linkOf(await invite({ delivery: 'link', expires_in: 3600 })),
    ]
    const [first, second] = await Promise.all(links.map(cameWith))
    if (first === undefined || second === undefined) throw new Error('nobody came')
    expect((await second.get('/invitation')).status).toBe(200)
    await to.later(3600)
    const withdrawn = await invite({ delivery: 'link' })
    const third = await cameWith(linkOf(withdrawn))
    const away = { method: 'DELETE' as const, url: `${invitations}/${withdrawn.body.id}`, headers: asInviter }
    expect((await call(to, away)).status).toBe(204)
    expect((await call(to, away)).body).toMatchObject({ reason: 'invitation_unknown' })
    const made = await invite({ delivery: 'link' })
    const made_up = await cameWith(linkOf(made).replace(/.{5}$/, 'AAAAA'))
    const pages = [first, second, third, made_up, browser(to)]
    const texts = await Promise.all(pages.map(async page => (await page.get('/invitation')).text))
    expect(new Set(texts).size).toBe(1)
    expect(texts[0]).toContain('This invitation is over')
    for (const page of pages) expect(reasonOf(await accept(page))).toBe('mail_link_invalid')
    expect(await userOf()).toBeUndefined()
  })

  test('of fifty who accept one at once, one gets an account, also if some come with connections', async () => {
    const link = linkOf(await invite({ delivery: 'link' }))
    const pages = await Promise.all(Array.from({ length: 50 }, () => cameWith(link)))
    const backs = await Promise.all(pages.slice(0, 5).map(visitWith))
    const answers = await Promise.all(pages.map((page, n) => (n < 5 ? page.get(backs[n] ?? '') : accept(page))))
    const signedIn = answers.filter(({ headers }) => headers.location === '/account')
    // Whoever comes with the connection that has just made the account signs in with it.
    const byConnection = (await to.store.loadUserByIdentity('work', 'm-1')).user !== undefined
    expect(signedIn.length).toBe(byConnection ? 5 : 1)
    expect((await to.audit()).filter(({ record }) => record.event === 'user.created')).toHaveLength(1)
  })

  test('a link whose address has got an account meanwhile is over', async () => {
    const page = await cameWith(linkOf(await invite({ delivery: 'link' })))
    work.person = { ...work.person, email: 'maria@private.example' }
    const back = await visitWith(page)
    await to.server.admin.addUser({ email, password })
    expect(reasonOf(await page.get('/invitation'))).toBe('mail_link_invalid')
    expect((await page.get(back)).headers.location).toBe('/invitation?problem=mail_link_invalid')
  })

  test('that was taken back before its mail went out is not sent', async () => {
    const before = post.mails.length
    // Nothing of it is due yet where the mail server says "later".
    post.answersRecipients(450)
    await invite()
    await to.server.mails?.look()
    post.answersRecipients(250)
    expect(await to.server.admin.withdrawInvitation(email)).toMatchObject({ done: 'withdrawn' })
    await to.later(60)
    await to.server.mails?.look()
    expect(post.mails.length).toBe(before)
  })

  test('gives the rights that an operator has named; its mail is in the language that was asked for', async () => {
    const rights = { roles: ['editor', 'editor'] }
    await to.server.admin.inviteUser({ email, delivery: 'mail', language: 'ar', rights })
    const page = await cameWith(await mailed())
    expect(post.lastTo(email).text).toContain('أنت مدعو إلى')
    await accept(page)
    expect((await userOf())?.rights).toMatchObject({ roles: ['editor'], groups: [] })
  })

  test('of somebody who got an account otherwise goes with it: who was deleted does not come back by a link', async () => {
    const wanted = { email, delivery: 'link' as const, rights: { roles: ['editor'] } }
    const made = (await to.server.admin.inviteUser(wanted)) as { id: string; link: string }
    await to.server.admin.addUser({ email, password })
    await to.server.admin.deleteUser(email)
    expect(await to.server.admin.listInvitations()).toEqual([])
    const page = await cameWith(pathOf(made.link))
    expect(reasonOf(await page.get('/invitation'))).toBe('mail_link_invalid')
    const { record } = (await to.audit()).find(({ record: { event } }) => event === 'invitation.withdrawn') ?? {}
    expect(record?.facts).toEqual({ by: 'operator', invitation: made.id })
  })

  test('nothing that is stored, logged or audited holds the secret of its link or, once it is over, the address', async () => {
    const made = await invite({ delivery: 'link' })
    const token = String(made.body.link).split('token=')[1] ?? ''
    const row = async () => (await to.store.loadShortLived('invitation', String(made.body.id)))?.row
    const told = JSON.stringify([await row(), await to.audit(), to.log])
    expect(told).not.toContain(token.split('.')[1])
    expect(told).not.toContain(email)
    await accept(await cameWith(linkOf(made)))
    expect(await row()).toMatchObject({ sealed: '', dueAt: null })
  })
})

describe('an invitation to an application', () => {
  const shopPage = 'https://shop.example/hallo/Gr%C3%BC%C3%9Fe;x=1'
  const invited = async () => cameWith(linkOf(await invite({ delivery: 'link', client_id: 'shop' })))
  const shopRow = async () => (await to.store.loadClient('shop'))?.client as Client
  const change = async (row: Client) =>
    to.store.commit({ writes: [{ table: 'client', row }], audit: [], entries: [], durable: true, time: to.now() })

  test('leads on to the page with which its operator has set it up, signed in, whatever else is asked for', async () => {
    const made = await invite({ delivery: 'link', client_id: 'shop' })
    expect(made.body).toMatchObject({ client_id: 'shop' })
    const page = await cameWith(linkOf(made))
    const done = await accept(page, { return_to: 'https://evil.example', client_id: 'plain' })
    expect([done.status, done.headers.location]).toEqual([303, shopPage])
    // From a form one leaves by a page that moves on by itself: where the application leads on to is no form's any more.
    expect(done.headers.refresh).toBe(`0;url=${shopPage}`)
    expect((await page.get('/account')).status).toBe(200)
    expect([...page.jar.keys()].filter(name => name.includes('invitation'))).toEqual([])
  })

  test('does so with a connection, too', async () => {
    const page = await invited()
    const back = await acceptWith(page)
    expect([back.status, back.headers.refresh]).toEqual([200, `0;url=${shopPage}`])
    expect((await page.get('/account')).status).toBe(200)
    expect([...page.jar.keys()].filter(name => name.includes('invitation'))).toEqual([])
    // Once more there it is a sign-in like any other.
    expect((await signInWith(to, work, 'work')).headers.location).toBe('/account')
  })

  test.each([
    ['switched off', (row: Client) => ({ ...row, disabled: true })],
    ['without a page', (row: Client) => ({ ...row, description: {} })],
  ])('that is %s by then leads to the account page', async (_what, become) => {
    const page = await invited()
    await change(become(await shopRow()))
    expect((await accept(page)).headers.location).toBe('/account')
  })

  test('is made for one that an operator has set up, with a page: what others say of themselves is no way on', async () => {
    const row = await shopRow()
    await change({ ...row, id: 'by-itself', origin: 'registered', version: 0 })
    for (const client_id of ['by-itself', 'plain', 'nobody', 'https://shop.example/hallo']) {
      const refused = await invite({ delivery: 'link', client_id })
      expect([refused.status, refused.body.reason]).toEqual([400, 'parameter_invalid'])
      expect(refused.body.error_description).toContain('client_id')
    }
  })
})

describe('whoever has no invitation', () => {
  test('is refused at sign-up, on the page and by the API, and finds no link to it', async () => {
    const page = browser(to)
    const shown = await page.get('/sign-up')
    expect([shown.status, reasonOf(shown)]).toEqual([403, 'invitation_required'])
    expect(shown.text).toContain('By invitation only')
    expect((await page.get('/sign-in')).text).not.toContain('/sign-up')
    const answer = await postJson(to, '/v1/users', { email, password })
    expect([answer.status, answer.body.reason]).toEqual([403, 'invitation_required'])
    expect(answer.headers['www-authenticate']).toContain('reason="invitation_required"')
  })

  test('is refused by a connection, on a page that says why; who has an account signs in', async () => {
    const { headers, page } = await signInWith(to, work, 'work')
    const shown = await page.get(headers.location ?? '')
    expect([shown.status, reasonOf(shown)]).toEqual([403, 'invitation_required'])
    expect(shown.text).toContain('An account here is made with an invitation only.')
  })

  test('gets no further by a link to the way of an invitation', async () => {
    const page = browser(to)
    expect((await page.get('/connections/work?accept=invitation')).headers.location).toBe('/invitation')
    const invited = await cameWith(linkOf(await invite({ delivery: 'link' })))
    const own = await wayOn(invited)
    const cookie = [...invited.jar].map(([name, value]) => `${name}=${value}`).join('; ')
    // By the second of two links in a mail; by the right one on another site; by one that was shown in another browser.
    const others = await wayOn(await cameWith(linkOf(await invite({ email: 'rosa@example.com', delivery: 'link' }))))
    for (const [path, site] of [
      ['/connections/work?accept=invitation', 'none'],
      [own, 'cross-site'],
      [others, 'same-origin'],
    ] as const) {
      const answer = await get(to, path, { cookie, 'sec-fetch-site': site })
      expect(answer.headers.location).toBe('/invitation')
    }
  })

  test('an invitation of somebody else, opened beside the page of one’s own, is not what its button and its link accept (GHSA-qq9h-g4jm-xgf3)', async () => {
    const [own, thiefs] = [
      await invite({ delivery: 'link' }),
      await invite({ email: 'thief@example.com', delivery: 'link' }),
    ]
    const page = await cameWith(linkOf(own))
    const { text } = await page.get('/invitation')
    const [shown = '', way] = [/name="shown" value="([^"]+)"/.exec(text)?.[1], await wayOn(page)]
    await page.get(linkOf(thiefs))
    expect((await page.get(way)).headers.location).toBe('/invitation')
    expect((await accept(page, { shown })).headers.location).toBe('/invitation')
    expect(await userOf('thief@example.com')).toBeUndefined()
    // Now the page says whose it is.
    expect((await page.get('/invitation')).text).toContain('thief@example.com')
    await page.get(linkOf(own))
    expect((await accept(page, { shown })).headers.location).toBe('/account')
    expect(await userOf()).toMatchObject({ email })
  })

  test('an invited form that another site posts is refused', async () => {
    const page = await cameWith(linkOf(await invite({ delivery: 'link' })))
    const forged = await page.submit('/invitation', { password, csrf: 'guessed' })
    expect([forged.status, reasonOf(forged)]).toEqual([403, 'csrf_refused'])
    expect(reasonOf(await page.submit('/invitation', { password: 'short' }))).toBe('password_unacceptable')
    expect((await accept(page)).status).toBe(303)
  })
})

describe('who invites', () => {
  test('is told clearly what cannot be', async () => {
    await to.server.admin.addUser({ email: 'taken@example.com', password })
    expect((await invite({ email: 'Taken@example.com' })).body.reason).toBe('email_taken')
    expect((await invite({ email: 'nobody' })).body.reason).toBe('email_invalid')
    expect((await invite({ expires_in: 1 })).body.reason).toBe('parameter_invalid')
    expect((await invite({ rights: { roles: ['admin'] } })).body.reason).toBe('parameter_invalid')
    expect((await postJson(to, invitations, { email }, basic('api', 'wrong'))).status).toBe(401)
    const without = await postJson(to, invitations, { email }, basic('api', 'api-secret-0123456789abcdef0123456789'))
    expect(without.body.reason).toBe('client_not_allowed')
    for (let times = 0; times < 5; times++) await invite({ delivery: 'link' })
    expect((await invite({ delivery: 'link' })).body.reason).toBe('too_many_attempts')
  })

  test('without a mail server gets the link, and is told so; where sign-up is closed, nothing', async () => {
    to = await connectedServer([], { clients: [...sampleClients, inviter], config: { signUp: 'invitation' } })
    expect((await invite()).body.reason).toBe('mail_not_configured')
    expect((await invite({ delivery: 'link' })).body.link).toMatch(new RegExp(`^${issuer}/invitation\\?token=`))
    to = await server({ config: { signUp: 'closed' } })
    expect((await invite()).body.reason).toBe('signup_closed')
  })

  test('sees those that can be accepted, in the order in which they were made', async () => {
    await invite({ delivery: 'link' })
    await to.later(1)
    await invite({ email: 'rosa@example.com' })
    await to.later(1)
    await invite({ email: 'lina@example.com', delivery: 'link', expires_in: 60 })
    const listed = async () =>
      ((await get(to, invitations, asInviter)).body as { invitations: { email: string }[] }).invitations
    expect((await listed()).map(one => one.email)).toEqual([email, 'rosa@example.com', 'lina@example.com'])
    for (const one of await listed()) expect(one).not.toHaveProperty('link')
    await to.later(60)
    await accept(await cameWith(linkOf(await invite({ delivery: 'link' }))))
    expect(await to.server.admin.listInvitations()).toMatchObject([{ email: 'rosa@example.com', delivery: 'mail' }])
  })
})

test('where nobody has a password the page has the ways of the connections alone', async () => {
  to = await server({ config: { passwords: 'off' } })
  const page = await cameWith(linkOf(await invite({ delivery: 'link' })))
  const { text } = await page.get('/invitation')
  expect(text).not.toMatch(/type="password"|<form/)
  expect((await acceptWith(page)).headers.location).toBe('/account')
})

test('a connection that takes nobody new takes no invited either', async () => {
  to = await connectedServer([{ ...work.settings, sign_up: 'closed' }], {
    clients: [...sampleClients, inviter],
    config: { signUp: 'invitation' },
  })
  const page = await cameWith(linkOf(await invite({ delivery: 'link' })))
  const { text } = await page.get('/invitation')
  expect(text).not.toContain('/connections/work')
  const accepts = /name="shown" value="([^"]+)"/.exec(text)?.[1]
  const there = (await page.get(`/connections/work?accept=${accepts}`)).headers.location ?? ''
  const back = await page.get(pathOf(await work.visit(there)))
  expect(back.headers.location).toBe('/invitation?problem=signup_closed')
  expect((await page.get(back.headers.location ?? '')).text).toContain('New accounts cannot be created here')
})
