import { expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { basic, logIn, postForm, refresh, signUp } from '../testing/calls.ts'
import { password, secrets } from '../testing/given.ts'
import { linkIn } from '../testing/mail-server.ts'
import { type MailingServer, mailingTests } from '../testing/mailing.ts'

const mailing = mailingTests()
const maria = 'maria@example.com'
const phone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1'

/** Subjects of what came since. */
async function news({ sendMails }: MailingServer, act: () => Promise<unknown>): Promise<readonly string[]> {
  await sendMails()
  const before = mailing.post.mails.length
  await act()
  await sendMails()
  return mailing.post.mails.slice(before).map(({ headers }) => headers.subject ?? '')
}

test('a sign-in from a device that was not seen before is told by mail, and from the same one no second time', async () => {
  const given = await mailing.server()
  const { to } = given
  const computer = browser(to)
  await computer.signUp()
  expect(await news(given, () => browser(to).signIn())).toEqual([])
  expect(await news(given, () => browser(to, phone).signIn())).toEqual(['New sign-in to Sample'])
  const mail = mailing.post.lastTo(maria)
  expect(mail.text).toContain('Safari on')
  expect(mail.text).toContain('127.0.0.1')
  expect(mail.html).toContain('This was not me')
  expect(await news(given, () => browser(to, phone).signIn())).toEqual([])
  await to.later(181 * 86_400)
  expect(await news(given, () => browser(to, phone).signIn())).toEqual(['New sign-in to Sample'])
})

test('a sign-in by an application is told in the same way', async () => {
  const given = await mailing.server()
  const { to } = given
  await signUp(to)
  const headers = { 'user-agent': phone }
  expect(await news(given, () => logIn(to, { headers }))).toEqual(['New sign-in to Sample'])
  expect(await news(given, () => logIn(to, { headers }))).toEqual([])
})

test('"this was not me": opening the link ends nothing, its button ends every session and the password, and leads to a new one', async () => {
  const given = await mailing.server()
  const { to, sendMails } = given
  const owner = browser(to)
  await owner.signUp()
  const thief = browser(to, phone)
  await thief.signIn()
  await sendMails()
  const link = linkIn(mailing.post.lastTo(maria))
  const person = browser(to)
  await person.get(link)
  const page = await person.get('/not-me')
  expect(page.text).toContain('127.0.0.1')
  expect((await thief.get('/account')).status).toBe(200)
  const ended = await person.submit('/not-me', {})
  expect(ended.headers.location).toBe('/not-me?done=ended')
  expect((await thief.get('/account')).status).toBe(303)
  expect((await thief.signIn()).headers['countersign-reason']).toBe('login_failed')
  await sendMails()
  await person.get(linkIn(mailing.post.lastTo(maria, '/reset-password')))
  const set = await person.submit('/reset-password', { new_password: 'another fine battery' })
  expect(set.headers.location).toBe('/reset-password?done=reset')
  expect((await owner.submit('/sign-in', { email: maria, password: 'another fine battery' })).status).toBe(303)
  const again = browser(to)
  await again.get(link)
  expect((await again.get('/not-me')).headers['countersign-reason']).toBe('mail_link_invalid')
})

test('a refresh token that was used by two is told to its user, once, with a way to end everything', async () => {
  const given = await mailing.server()
  const { to } = given
  await signUp(to)
  const login = await logIn(to)
  const next = async (token: string) => {
    await to.later(3600)
    return String((await refresh(to, token)).body.refresh_token)
  }
  await next(await next(login.refreshToken))
  await to.later(3600)
  const reuse = async () => {
    for (let times = 0; times < 3; times++) await refresh(to, login.refreshToken)
  }
  expect(await news(given, reuse)).toEqual(['A session at Sample was ended for your safety'])
  const person = browser(to)
  await person.get(linkIn(mailing.post.lastTo(maria)))
  expect((await person.submit('/not-me', {})).headers.location).toBe('/not-me?done=ended')
})

test('a token that was used is presented again: told if it comes from elsewhere, once for each place', async () => {
  const given = await mailing.server()
  const { to } = given
  await signUp(to)
  /** The late retry that is forgiven (row 9), from a device. */
  const retry = async (headers: Record<string, string>) => {
    const login = await logIn(to)
    await to.later(60)
    await refresh(to, login.refreshToken)
    await to.later(60)
    const answer = await refresh(to, login.refreshToken, { headers })
    expect(answer.status).toBe(200)
  }
  const told = ['A session at Sample was used from somewhere else']
  expect(await news(given, () => retry({}))).toEqual([])
  expect(await news(given, () => retry({ 'user-agent': phone }))).toEqual(told)
  expect(mailing.post.lastTo(maria).text).toContain('Safari on')
  expect(await news(given, () => retry({ 'user-agent': phone }))).toEqual([])
  expect(await news(given, () => retry({ 'user-agent': 'curl/8' }))).toEqual(told)
  const person = browser(to)
  await person.get(linkIn(mailing.post.lastTo(maria)))
  expect((await person.submit('/not-me', {})).headers.location).toBe('/not-me?done=ended')
  await given.sendMails()
  await person.get(linkIn(mailing.post.lastTo(maria, '/reset-password')))
  await person.submit('/reset-password', { new_password: password })
  // Whoever was thrown out and is there once more is told of once more.
  expect(await news(given, () => retry({ 'user-agent': phone }))).toEqual(told)
})

test('where a back end refreshes it is told of no device: it is its own', async () => {
  const given = await mailing.server()
  const { to } = given
  const page = browser(to)
  await page.signUp()
  const redirect_uri = 'https://web.example/callback?from=countersign'
  const { code, verifier: code_verifier } = await page.code({ client_id: 'web', redirect_uri })
  const headers = { ...basic('web', secrets.web), 'user-agent': 'backend/1' }
  const token = (form: Record<string, string>) => postForm(to, '/token', form, headers)
  const first = await token({ grant_type: 'authorization_code', code, code_verifier, redirect_uri })
  const again = { grant_type: 'refresh_token', refresh_token: String(first.body.refresh_token) }
  await to.later(60)
  await token(again)
  await to.later(60)
  const before = (await to.audit()).length
  expect(await news(given, () => token(again))).toEqual([])
  expect(await to.auditedSince(before)).toEqual(['refresh.credit_spent'])
})

test('a bound token from far behind is told in the same way, and from where its user has signed in not at all', async () => {
  const given = await mailing.server()
  const { to } = given
  await signUp(to)
  const key = to.key()
  const copied = async (userAgent: string) => {
    const bound = { client: 'app', key }
    const login = await logIn(to, bound)
    const next = await refresh(to, login.refreshToken, bound)
    await refresh(to, String(next.body.refresh_token), bound)
    // Nor is a noise made before it heard instead: without its proof, as if it had leaked.
    expect((await refresh(to, login.refreshToken, { client: 'app' })).status).toBe(400)
    expect((await refresh(to, login.refreshToken, { ...bound, headers: { 'user-agent': userAgent } })).status).toBe(200)
  }
  expect(await news(given, () => copied(phone))).toEqual(['A session at Sample was used from somewhere else'])
  await news(given, () => logIn(to, { headers: { 'user-agent': 'curl/8' } }))
  expect(await news(given, () => copied('curl/8'))).toEqual([])
})

test('a new password is told, in the user’s own language', async () => {
  const given = await mailing.server()
  const { to } = given
  const person = browser(to)
  await person.signUp()
  const { user, now } = await to.store.loadUserByEmail(maria)
  if (user === undefined) throw new Error('no user')
  const row = { ...user, profile: { ...user.profile, locale: 'ar-EG' } }
  await to.store.commit({ writes: [{ table: 'user', row }], audit: [], entries: [], durable: true, time: now })
  const change = { command: 'change_password', current_password: password, new_password: 'another fine battery' }
  const told = await news(given, () => person.submit('/account', change))
  expect(told).toHaveLength(1)
  const mail = mailing.post.lastTo(maria)
  expect(mail.headers['content-language']).toBe('ar')
  expect(mail.html).toContain('<html lang="ar" dir="rtl">')
  expect(mail.text).toContain('تغيّرت كلمة مرور')
})

test('what nobody has signed in to is told nobody', async () => {
  const given = await mailing.server()
  const { to } = given
  expect(await news(given, () => browser(to).submit('/sign-in', { email: 'nobody@example.com', password }))).toEqual([])
})
