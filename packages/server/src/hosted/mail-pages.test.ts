import { describe, expect, test } from 'vitest'
import { type Browser, browser } from '../testing/browser.ts'
import { get, introspect, logIn, refresh, signUp } from '../testing/calls.ts'
import { issuer, password } from '../testing/given.ts'
import { linkIn } from '../testing/mail-server.ts'
import { type MailingServer, mailingTests } from '../testing/mailing.ts'

const maria = 'maria@example.com'
const newPassword = 'another fine battery'

const mailing = mailingTests()

/** Asks for a new password as a person does, and gives the link of the mail. */
async function forgottenLink({ to, sendMails }: MailingServer, email = maria): Promise<string> {
  const before = mailing.post.mails.length
  await browser(to).submit('/forgot-password', { email })
  await sendMails()
  if (mailing.post.mails.length === before) throw new Error('no mail came')
  return linkIn(mailing.post.lastTo(email, '/reset-password'))
}

/** Follows the link, and sets a new password. */
async function reset(page: Browser, link: string, wanted = newPassword) {
  const first = await page.get(link)
  expect([first.status, first.headers.location]).toEqual([303, '/reset-password'])
  return page.submit('/reset-password', { new_password: wanted })
}

describe('a forgotten password', () => {
  test('a mail leads to a page where a new one is set; then it alone is right, and every session has ended', async () => {
    const given = await mailing.server()
    const { to } = given
    await signUp(to)
    const [login, page] = [await logIn(to), browser(to)]
    await page.signIn()
    const done = await reset(browser(to), await forgottenLink(given))
    expect(done.headers.location).toBe('/reset-password?done=reset')
    expect((await page.signIn()).headers['countersign-reason']).toBe('login_failed')
    expect((await page.get('/account')).status).toBe(303)
    expect((await page.submit('/sign-in', { email: maria, password: newPassword })).headers.location).toBe('/account')
    // CVE-2026-22706, attack 31: tokens of other devices die with it.
    expect((await introspect(to, login.accessToken)).body).toMatchObject({ active: false })
    expect((await refresh(to, login.refreshToken)).body).toMatchObject({ error: 'invalid_grant' })
  })

  test('the answer is the same for an address that nobody has, and so is what is written; no mail goes out', async () => {
    const commits: string[] = []
    const given = await mailing.server({
      wrapStore: store => ({
        ...store,
        commit(change) {
          const shape = change.writes.map(({ table, row }) => [
            table,
            Object.keys(row).sort(),
            'kind' in row && row.kind,
          ])
          commits.push(JSON.stringify([shape, change.durable]))
          return store.commit(change)
        },
      }),
    })
    const { to, sendMails } = given
    await signUp(to)
    await sendMails()
    const page = browser(to)
    const answers = []
    for (const email of [maria, 'nobody@example.com']) {
      const before = commits.length
      const { status, headers, text } = await page.submit('/forgot-password', { email })
      const written = commits.slice(before, before + 1)
      answers.push(JSON.stringify({ status, location: headers.location, text, written }))
      await sendMails()
    }
    expect(answers[0]).toBe(answers[1])
    expect(answers[0]).toContain('mail')
    expect(mailing.post.mails.filter(mail => mail.to.includes('nobody@example.com'))).toEqual([])
  })

  test.each([
    ['en', 'Your password stays as it is', 'The account has no password until you choose one.'],
    ['ar', 'تبقى كلمة المرور كما هي', 'ليست للحساب كلمة مرور حتى تختار واحدة.'],
  ])(
    'the mail (%s) speaks of a password that stays to whoever has one, and to nobody else',
    async (language, stays, none) => {
      const given = await mailing.server()
      const { to, sendMails } = given
      await signUp(to)
      await to.server.admin.addUser({ email: 'zoe@example.com' })
      const told = async (email: string): Promise<boolean[]> => {
        await browser(to).submit('/forgot-password', { email }, { 'accept-language': language })
        await sendMails()
        const { text, html } = mailing.post.lastTo(email, '/reset-password')
        return [text, html].flatMap(one => [one.includes(stays), one.includes(none)])
      }
      expect(await told(maria)).toEqual([true, false, true, false])
      expect(await told('zoe@example.com')).toEqual([false, true, false, true])
    },
  )

  test('the link is good once: of ten that set a password with it at once, one does', async () => {
    const given = await mailing.server()
    const { to } = given
    await signUp(to)
    const page = browser(to)
    const link = await forgottenLink(given)
    await page.get(link)
    const wanted = Array.from({ length: 10 }, (_, n) => `a fine new password ${n}`)
    const answers = await Promise.all(wanted.map(one => page.submit('/reset-password', { new_password: one })))
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
    const worked = await Promise.all(wanted.map(one => browser(to).submit('/sign-in', { email: maria, password: one })))
    expect(worked.filter(({ status }) => status === 303)).toHaveLength(1)
    const again = browser(to)
    await again.get(link)
    expect((await again.get('/reset-password')).headers['countersign-reason']).toBe('mail_link_invalid')
  })

  test('the link is good for an hour, and dies with every other when one was used or all sessions were ended', async () => {
    const given = await mailing.server()
    const { to } = given
    await signUp(to)
    const stands = async (link: string): Promise<boolean> => {
      const page = browser(to)
      await page.get(link)
      return (await page.get('/reset-password')).status === 200
    }
    const [first, second] = [await forgottenLink(given), await forgottenLink(given)]
    expect([await stands(first), await stands(second)]).toEqual([true, true])
    await reset(browser(to), second)
    expect([await stands(first), await stands(second)]).toEqual([false, false])
    const third = await forgottenLink(given)
    await to.later(3599)
    expect(await stands(third)).toBe(true)
    await to.later(1)
    expect(await stands(third)).toBe(false)
    const fourth = await forgottenLink(given)
    const page = browser(to)
    await page.submit('/sign-in', { email: maria, password: newPassword })
    await page.submit('/account', { command: 'end_all' })
    expect(await stands(fourth)).toBe(false)
  })

  test('a GET of the link changes nothing, however often a scanner makes it', async () => {
    const given = await mailing.server()
    const { to } = given
    await signUp(to)
    const link = await forgottenLink(given)
    for (let times = 0; times < 3; times++) {
      const scanner = browser(to)
      await scanner.get(link)
      await scanner.get('/reset-password')
    }
    expect((await reset(browser(to), link)).status).toBe(303)
  })

  test('the token leaves the address at once, into a cookie that no script reads, and the page sends it nowhere', async () => {
    const given = await mailing.server()
    const { to } = given
    await signUp(to)
    const link = await forgottenLink(given)
    const token = new URLSearchParams(link.split('?')[1]).get('token') ?? ''
    const page = browser(to)
    const first = await page.get(link)
    expect(first.headers.location).toBe('/reset-password')
    expect(first.headers['referrer-policy']).toBe('no-referrer')
    expect(first.headers['cache-control']).toBe('no-store')
    expect(first.cookies[0]).toMatch(/; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    const form = await page.get('/reset-password')
    expect(form.text).not.toContain(token)
    expect(form.headers['referrer-policy']).toBe('same-origin')
    expect(to.log.map(({ text }) => text).join()).not.toContain(token)
  })

  test.each([['x'], ['A'.repeat(43)], ['../../x'], ['%0d%0aSet-Cookie:a=b'], ['A'.repeat(5000)]])(
    'a token that was made up (%.20s) opens nothing, and is told so alike',
    async token => {
      const { to } = await mailing.server()
      const page = browser(to)
      const answer = await page.get(`/reset-password?token=${token}`)
      expect([answer.status, answer.headers.location]).toEqual([303, '/reset-password'])
      expect((await page.get('/reset-password')).headers['countersign-reason']).toBe('mail_link_invalid')
    },
  )

  test('a link of one kind is good for no other', async () => {
    const given = await mailing.server()
    const { to } = given
    await signUp(to)
    await given.sendMails()
    const verify = linkIn(mailing.post.lastTo(maria))
    const page = browser(to)
    await page.get(verify.replace('/verify-address', '/reset-password'))
    expect((await page.get('/reset-password')).headers['countersign-reason']).toBe('mail_link_invalid')
  })

  test('the form of another site, or of another browser, sets nothing', async () => {
    const given = await mailing.server()
    const { to } = given
    await signUp(to)
    const page = browser(to)
    await page.get(await forgottenLink(given))
    const foreign = await page.submit(
      '/reset-password',
      { new_password: newPassword },
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    )
    expect(foreign.headers['countersign-reason']).toBe('csrf_refused')
    const form = { email: maria }
    const asked = await page.submit('/forgot-password', form, { origin: 'https://evil.example' })
    expect(asked.headers['countersign-reason']).toBe('csrf_refused')
  })

  test('a password that is too easy is refused, and the link still stands', async () => {
    const given = await mailing.server()
    const { to } = given
    await signUp(to)
    const page = browser(to)
    await page.get(await forgottenLink(given))
    const weak = await page.submit('/reset-password', { new_password: 'password' })
    expect(weak.headers['countersign-reason']).toBe('password_unacceptable')
    expect((await page.submit('/reset-password', { new_password: newPassword })).status).toBe(303)
  })

  test('more than five mails an hour go to no address, and more than twenty are asked for from none; neither is told of the account', async () => {
    const given = await mailing.server()
    const { to, sendMails } = given
    await signUp(to)
    await sendMails()
    const before = mailing.post.mails.length
    const page = browser(to)
    const answers = []
    for (let times = 0; times < 7; times++) answers.push(await page.submit('/forgot-password', { email: maria }))
    await sendMails()
    expect(new Set(answers.map(({ status, headers }) => `${status} ${headers.location}`)).size).toBe(1)
    expect(mailing.post.mails.length - before).toBe(5)
    for (let times = 0; times < 13; times++) await page.submit('/forgot-password', { email: `n${times}@example.com` })
    const limited = await page.submit('/forgot-password', { email: 'one-more@example.com' })
    expect([limited.status, limited.headers['countersign-reason']]).toEqual([429, 'too_many_attempts'])
  })

  test('a user who was disabled gets none, and links from before are over', async () => {
    const given = await mailing.server()
    const { to, sendMails } = given
    await signUp(to)
    const link = await forgottenLink(given)
    await to.server.admin.disableUser(maria)
    const before = mailing.post.mails.length
    await browser(to).submit('/forgot-password', { email: maria })
    await sendMails()
    expect(mailing.post.mails.length).toBe(before)
    const page = browser(to)
    await page.get(link)
    expect((await page.get('/reset-password')).headers['countersign-reason']).toBe('mail_link_invalid')
  })
})

describe('where a link leads', () => {
  test.each([
    ['host', 'evil.example'],
    ['x-forwarded-host', 'evil.example'],
    ['forwarded', 'host=evil.example;proto=http'],
    ['x-forwarded-proto', 'http'],
    ['x-original-url', 'https://evil.example/'],
  ])(
    'CVE-2023-49097, CVE-2025-64101, GHSA-93m4-mfpg-c3xf, GHSA-pfrf-9r5f-73f5, CVE-2025-70948: is the issuer’s, whatever %s says',
    async (name, value) => {
      const given = await mailing.server()
      const { to, sendMails } = given
      await signUp(to)
      await sendMails()
      await browser(to).submit('/forgot-password', { email: maria }, { [name]: value })
      await sendMails()
      const mail = mailing.post.lastTo(maria)
      expect(mail.text).toContain(`${issuer}/reset-password?token=`)
      expect(mail.raw).not.toContain('evil.example')
    },
  )

  test('CVE-2019-19844: the mail goes to the address that the account has, not to the one that was typed', async () => {
    const given = await mailing.server()
    const { to, sendMails } = given
    await signUp(to, 'Maria@example.com')
    await browser(to).submit('/forgot-password', { email: ' MARIA@EXAMPLE.COM ' })
    await sendMails()
    expect(mailing.post.mails.at(-1)?.to).toEqual(['Maria@example.com'])
    const before = mailing.post.mails.length
    for (const email of ['ma\u0131ria@example.com', 'maria@example.com\u0000', 'maria@example.com,evil@evil.example']) {
      await browser(to).submit('/forgot-password', { email })
    }
    await sendMails()
    expect(mailing.post.mails.length).toBe(before)
  })

  test.each([
    ['"x@evil.example x"@example.com'],
    ['a@example.com\r\nBcc: evil@evil.example'],
    ['a@example.com\nBcc:evil@evil.example'],
    ['Evil <evil@evil.example>'],
    ['a@example.com, evil@evil.example'],
  ])('CVE-2025-13033: %j is no address, and adds neither header nor recipient', async email => {
    const { to, sendMails } = await mailing.server()
    const before = mailing.post.mails.length
    const asked = await browser(to).submit('/forgot-password', { email })
    expect(asked.headers['countersign-reason']).toBe('email_invalid')
    const made = await browser(to).submit('/sign-up', { email, password })
    expect(made.headers['countersign-reason']).toBe('email_invalid')
    await sendMails()
    expect(mailing.post.mails.length).toBe(before)
  })
})

describe('an address', () => {
  test('is confirmed by who has the mail and is signed in to the account; the page of the account says so', async () => {
    const { to, sendMails } = await mailing.server()
    const page = browser(to)
    await page.signUp()
    await sendMails()
    expect((await page.get('/account')).text).toContain('Nobody has confirmed yet')
    await page.get(linkIn(mailing.post.lastTo(maria)))
    const form = await page.get('/verify-address')
    expect(form.text).not.toContain('type="password"')
    expect((await page.submit('/verify-address', {})).headers.location).toBe('/verify-address?done=verified')
    expect((await page.get('/account')).text).not.toContain('Nobody has confirmed yet')
    expect((await to.audit()).map(({ record }) => record.event)).toContain('user.address_verified')
    const { user } = await to.store.loadUserByEmail(maria)
    expect(user?.emailVerifiedAt).toBe(to.now())
  })

  test('is confirmed in another browser by the password; attack 34 (GHSA-qq9h-g4jm-xgf3): by the mail alone it is not', async () => {
    const { to, sendMails } = await mailing.server()
    await signUp(to)
    await sendMails()
    const page = browser(to)
    await page.get(linkIn(mailing.post.lastTo(maria)))
    const without = await page.submit('/verify-address', {})
    expect(without.headers['countersign-reason']).toBe('login_failed')
    expect((await page.submit('/verify-address', { password: 'a wrong guess' })).status).toBe(401)
    expect((await to.store.loadUserByEmail(maria)).user?.emailVerifiedAt).toBeNull()
    expect((await page.submit('/verify-address', { password })).headers.location).toBe('/verify-address?done=verified')
    // It signs nobody in.
    expect(page.jar.has('__Host-countersign')).toBe(false)
  })

  test('is not confirmed for somebody else who is signed in in this browser', async () => {
    const { to, sendMails } = await mailing.server()
    await signUp(to)
    await sendMails()
    const page = browser(to)
    await page.signUp('else@example.com')
    await page.get(linkIn(mailing.post.lastTo(maria)))
    expect((await page.submit('/verify-address', {})).headers['countersign-reason']).toBe('login_failed')
  })

  test('the mail can be had again from the account page, five times an hour', async () => {
    const { to, sendMails } = await mailing.server()
    const page = browser(to)
    await page.signUp()
    await sendMails()
    const before = mailing.post.mails.length
    const answers = []
    for (let times = 0; times < 6; times++) {
      answers.push((await page.submit('/account', { command: 'verify_address' })).status)
    }
    await sendMails()
    expect(answers).toEqual([303, 303, 303, 303, 303, 429])
    expect(mailing.post.mails.length - before).toBe(5)
    expect((await page.get('/account?done=verify_address')).text).toContain('A mail is on its way')
  })

  test('attack 34: its owner takes an account over that somebody made ahead with it; who made it is out, in every way', async () => {
    const given = await mailing.server()
    const { to } = given
    const attacker = browser(to)
    await attacker.signUp()
    const { user } = await to.store.loadUserByEmail(maria)
    if (user === undefined) throw new Error('no user')
    const { now } = await to.store.loadIssuer()
    const { newIdentity } = await import('@countersign/core')
    const identity = newIdentity({ connection: 'google', subject: 'attacker', userId: user.id, linkedAt: now })
    await to.store.commit({
      writes: [{ table: 'identity', row: identity }],
      audit: [],
      entries: [],
      durable: true,
      time: now,
    })
    await reset(browser(to), await forgottenLink(given))
    expect((await attacker.get('/account')).status).toBe(303)
    expect((await attacker.signIn()).headers['countersign-reason']).toBe('login_failed')
    expect((await to.store.loadUserByIdentity('google', 'attacker')).user).toBeUndefined()
    const after = (await to.store.loadUserByEmail(maria)).user
    expect(after).toMatchObject({ id: user.id, emailVerifiedAt: to.now() })
    const events = (await to.audit()).map(({ record }) => record.event)
    expect(events.slice(-3)).toEqual(['user.address_verified', 'identity.unlinked', 'user.password_changed'])
  })

  test('who has confirmed theirs keeps their other ways in when they forget their password', async () => {
    const given = await mailing.server()
    const { to, sendMails } = given
    const page = browser(to)
    await page.signUp()
    await sendMails()
    await page.get(linkIn(mailing.post.lastTo(maria)))
    await page.submit('/verify-address', {})
    const { user } = await to.store.loadUserByEmail(maria)
    const { newIdentity } = await import('@countersign/core')
    const identity = newIdentity({ connection: 'google', subject: '1', userId: user?.id ?? '', linkedAt: to.now() })
    await to.store.commit({
      writes: [{ table: 'identity', row: identity }],
      audit: [],
      entries: [],
      durable: true,
      time: to.now(),
    })
    await reset(browser(to), await forgottenLink(given))
    expect((await to.store.loadUserByIdentity('google', '1')).user?.id).toBe(user?.id)
  })
})

test('without a mail server nothing that needs one is offered', async () => {
  const { given } = await import('../testing/given.ts')
  const to = await given.server()
  await signUp(to)
  const page = browser(to)
  await page.signIn()
  expect((await page.get('/account')).text).not.toContain('Nobody has confirmed yet')
  expect((await browser(to).get('/sign-in')).text).not.toContain('forgot-password')
  for (const path of ['/forgot-password', '/reset-password', '/verify-address', '/not-me']) {
    expect((await get(to, path)).status).toBe(404)
  }
})
