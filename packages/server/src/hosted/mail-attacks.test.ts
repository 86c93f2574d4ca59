import { describe, expect, test } from 'vitest'
import { type Browser, browser } from '../testing/browser.ts'
import { authorization, introspect, logIn, postForm, refresh, signUp } from '../testing/calls.ts'
import { issuer, password, sampleClients } from '../testing/given.ts'
import { linkIn } from '../testing/mail-server.ts'
import { type MailingServer, mailingTests } from '../testing/mailing.ts'
import { orchard, orchardCallback } from '../testing/orchard.ts'

const maria = 'maria@example.com'
const newPassword = 'another fine battery'
const usual = { scopes: ['openid', 'notes', 'account'], defaultScopes: ['openid'] }
const clients = [...sampleClients, orchard(usual), orchard({ ...usual, id: 'plum', subjectType: 'pairwise' })]

const mailing = mailingTests({ clients })

const asked = (client_id = 'orchard', more: Record<string, string> = {}) =>
  authorization({ client_id, redirect_uri: orchardCallback, scope: 'openid notes', ...more }).path

/** What the application is told without anybody being asked. */
async function toldSilently(page: Browser, client = 'orchard'): Promise<string | null> {
  const { location, 'countersign-reason': reason } = (await page.get(asked(client, { prompt: 'none' }))).headers
  return reason ?? (new URL(location ?? issuer).searchParams.has('code') ? 'code' : null)
}

/** The owner of the address asks for a new password, and sets it. */
async function takeOver(given: MailingServer): Promise<Browser> {
  const owner = browser(given.to)
  await owner.submit('/forgot-password', { email: maria })
  await given.sendMails()
  await owner.get(linkIn(mailing.post.lastTo(maria, '/reset-password')))
  const done = await owner.submit('/reset-password', { new_password: newPassword })
  expect(done.headers.location).toBe('/reset-password?done=reset')
  await owner.submit('/sign-in', { email: maria, password: newPassword })
  return owner
}

/** The user's own provider, or a thief's. */
async function linked({ to }: MailingServer, subject: string, connection = 'google'): Promise<void> {
  const { newIdentity } = await import('@countersign/core')
  const { user, now } = await to.store.loadUserByEmail(maria)
  const row = newIdentity({ connection, subject, userId: user?.id ?? '', linkedAt: now })
  await to.store.commit({ writes: [{ table: 'identity', row }], audit: [], entries: [], durable: true, time: now })
}

const verified = async ({ to, sendMails }: MailingServer, page: Browser): Promise<void> => {
  await sendMails()
  await page.get(linkIn(mailing.post.lastTo(maria, '/verify-address')))
  await page.submit('/verify-address', {})
  expect((await to.store.loadUserByEmail(maria)).user?.emailVerifiedAt).not.toBeNull()
}

describe('attack 34 (GHSA-qq9h-g4jm-xgf3): who has made an account ahead with the address of another', () => {
  test('has allowed applications nothing there, once its owner has taken it over', async () => {
    const given = await mailing.server()
    const attacker = browser(given.to)
    await attacker.signUp()
    for (const client of ['orchard', 'plum']) {
      await attacker.follow(asked(client))
      expect(await toldSilently(attacker, client)).toBe('code')
    }
    const owner = await takeOver(given)
    expect(await toldSilently(owner)).toBe('consent_required')
    expect(await toldSilently(owner, 'plum')).toBe('consent_required')
    const events = (await given.to.audit()).filter(({ record }) => record.event === 'grant.withdrawn')
    expect(events.map(({ record }) => record.clientId).sort()).toEqual(['orchard', 'plum'])
  })

  /** A server in which the owner takes the account over just before the next change of a table is committed, once `isArmed`. */
  async function takenOverBefore(table: string) {
    const state: { isArmed: boolean; owner?: Browser } = { isArmed: false }
    const given: MailingServer = await mailing.server({
      wrapStore: store => ({
        ...store,
        async commit(change) {
          if (state.isArmed && change.writes.some(write => write.table === table)) {
            state.isArmed = false
            state.owner = await takeOver(given)
          }
          return store.commit(change)
        },
      }),
    })
    return { given, state }
  }

  test('gets nothing through by allowing it in the moment of the takeover', async () => {
    const { given, state } = await takenOverBefore('grant')
    const attacker = browser(given.to)
    await attacker.signUp()
    state.isArmed = true
    await attacker.follow(asked()).catch(() => undefined)
    expect(state.owner && (await toldSilently(state.owner))).toBe('consent_required')
  })

  test('is not let in by a sign-in that was under way, on a page or by an application (as Keycloak’s issue 49007 tells)', async () => {
    const { given, state } = await takenOverBefore('session')
    const { to } = given
    await signUp(to)
    const attacker = browser(to)
    state.isArmed = true
    await attacker.signIn()
    expect(state.owner).toBeDefined()
    expect((await attacker.get('/account')).status).toBe(303)
    await to.server.admin.deleteUser(maria)
    await signUp(to)
    state.isArmed = true
    const login = await logIn(to)
    expect((await introspect(to, login.accessToken)).body).toEqual({ active: false })
    expect((await refresh(to, login.refreshToken)).body.error).toBe('invalid_grant')
  })

  test('has no device in it: one that they have approved and that has not come yet comes too late', async () => {
    const given = await mailing.server()
    const { to } = given
    const attacker = browser(to)
    await attacker.signUp()
    const begun = (await postForm(to, '/device_authorization', { client_id: 'tv', scope: 'notes' })).body
    await attacker.submit('/device', { user_code: String(begun.user_code), command: 'allow' })
    await takeOver(given)
    const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
    const polled = await postForm(to, '/token', { grant_type, client_id: 'tv', device_code: String(begun.device_code) })
    expect(polled.body.error).toBe('invalid_grant')
  })
})

describe('"this was not me"', () => {
  test('in a mail that was passed on gives nobody the account: the new password is set by a mail of its own, to its address', async () => {
    const given = await mailing.server()
    const { to, sendMails } = given
    await signUp(to)
    await logIn(to, { headers: { 'user-agent': 'curl/8' } })
    await sendMails()
    const link = linkIn(mailing.post.lastTo(maria, '/not-me'))
    const helper = browser(to)
    await helper.get(link)
    const ended = await helper.submit('/not-me', {})
    expect(ended.headers.location).toBe('/not-me?done=ended')
    expect((await helper.get('/reset-password')).headers['countersign-reason']).toBe('mail_link_invalid')
    expect([...helper.jar.keys()].filter(name => name.includes('link'))).toEqual([])
    await sendMails()
    const owner = browser(to)
    await owner.get(linkIn(mailing.post.lastTo(maria, '/reset-password')))
    const set = await owner.submit('/reset-password', { new_password: newPassword })
    expect(set.headers.location).toBe('/reset-password?done=reset')
  })

  test('takes off the account what the thief has added: other ways to sign in, and what they have allowed applications', async () => {
    const given = await mailing.server()
    const { to, sendMails } = given
    const owner = browser(to)
    await owner.signUp()
    await verified(given, owner)
    const thief = browser(to, 'curl/8')
    await thief.signIn()
    await linked(given, 'thief')
    await linked(given, '42', 'trusted:crm')
    await thief.follow(asked())
    await sendMails()
    const person = browser(to)
    await person.get(linkIn(mailing.post.lastTo(maria, '/not-me')))
    await person.submit('/not-me', {})
    expect((await to.store.loadUserByIdentity('google', 'thief')).user).toBeUndefined()
    expect((await to.store.loadUserByIdentity('trusted:crm', '42')).user?.email).toBe(maria)
    const after = await takeOver(given)
    expect(await toldSilently(after)).toBe('consent_required')
  })

  test('forgets the device: should the thief come back, the user is told again', async () => {
    const given = await mailing.server()
    const { to, sendMails } = given
    await signUp(to)
    const signIn = () => browser(to, 'curl/8').signIn()
    await signIn()
    await sendMails()
    const person = browser(to)
    await person.get(linkIn(mailing.post.lastTo(maria, '/not-me')))
    await person.submit('/not-me', {})
    await takeOver(given)
    await sendMails()
    const before = mailing.post.mails.length
    await browser(to, 'curl/8').submit('/sign-in', { email: maria, password: newPassword })
    await sendMails()
    expect(mailing.post.mails.slice(before).map(({ headers }) => headers.subject)).toEqual(['New sign-in to Sample'])
  })
})

test('CVE-2026-18963: nobody comes to a new password without its mail: not by having asked for one, not with a link for something else', async () => {
  const given = await mailing.server()
  const { to, sendMails } = given
  await signUp(to)
  const attacker = browser(to)
  await attacker.signUp('attacker@example.com')
  await sendMails()
  const ownLink =
    new URLSearchParams(linkIn(mailing.post.lastTo('attacker@example.com')).split('?')[1]).get('token') ?? ''
  await attacker.submit('/forgot-password', { email: maria })
  const csrf = /name="csrf" value="([^"]+)"/.exec((await attacker.get('/forgot-password')).text)?.[1] ?? ''
  const wanted = { csrf, email: maria, new_password: newPassword }
  for (const token of [undefined, '', ownLink, 'A'.repeat(43)]) {
    if (token !== undefined) attacker.jar.set('__Host-countersign_link_reset_password', token)
    for (const path of ['/reset-password', `/reset-password?email=${maria}`, '/reset-password?done=reset']) {
      const answer = await attacker.submit(path, wanted)
      expect(answer.headers['countersign-reason']).toBe('mail_link_invalid')
    }
  }
  expect((await browser(to).signIn()).headers.location).toBe('/account')
})

test('a link of somebody else, opened beside the page of one’s own, is not what its form is about', async () => {
  const { to, sendMails } = await mailing.server()
  const thiefs = 'thief@example.com'
  for (const email of [maria, thiefs]) {
    await browser(to).signUp(email)
    await browser(to, 'Another/1').signIn(email)
    await browser(to).submit('/forgot-password', { email })
  }
  await sendMails()
  const page = browser(to)
  for (const [path, fields] of [
    ['/reset-password', { new_password: newPassword }],
    ['/not-me', {}],
    ['/verify-address', { password }],
  ] as const) {
    await page.get(linkIn(mailing.post.lastTo(maria, path)))
    const { text } = await page.get(path)
    const shown = /name="shown" value="([^"]+)"/.exec(text)?.[1] ?? 'none'
    await page.get(linkIn(mailing.post.lastTo(thiefs, path)))
    expect([path, (await page.submit(path, { ...fields, shown })).headers.location]).toEqual([path, path])
  }
  expect((await to.store.loadUserByEmail(thiefs)).user).toMatchObject({ version: 1, epoch: 1, emailVerifiedAt: null })
})

test('a link that has died comes to life by no later attempt to send it', async () => {
  const given = await mailing.server()
  const { to, sendMails } = given
  await signUp(to)
  await sendMails()
  // As if it had arrived, and the line broken before that was said: it will be sent again.
  mailing.post.answersMails(452)
  await browser(to).submit('/forgot-password', { email: maria })
  await sendMails()
  mailing.post.answersMails(250)
  await takeOver(given)
  const before = mailing.post.mails.length
  await to.later(3000)
  await sendMails()
  expect(mailing.post.mails.slice(before).filter(({ text }) => text.includes('/reset-password'))).toEqual([])
})

describe('a stranger whose address somebody has typed', () => {
  /** Of the kind of which most have come. */
  const mailsOf = async ({ sendMails }: MailingServer, act: () => Promise<unknown>): Promise<number> => {
    await sendMails()
    const before = mailing.post.mails.length
    await act()
    await sendMails()
    const kinds = Object.groupBy(mailing.post.mails.slice(before), ({ headers }) => headers.subject ?? '')
    return Math.max(...Object.values(kinds).map(kind => kind?.length ?? 0))
  }

  test.each([
    ['signs in with ever new devices', (to: MailingServer['to'], n: number) => browser(to, `App${n}/1`).signIn()],
    [
      'changes the password again and again',
      async (to: MailingServer['to'], n: number) => {
        const [current_password, new_password] = [n === 0 ? password : `${newPassword} ${n - 1}`, `${newPassword} ${n}`]
        const page = browser(to)
        await page.submit('/sign-in', { email: maria, password: current_password })
        await page.submit('/account', { command: 'change_password', current_password, new_password })
      },
    ],
  ])('CVE-2025-35432: gets six mails an hour of a kind at most, when the account %s', async (_name, act) => {
    const given = await mailing.server()
    await signUp(given.to)
    const count = await mailsOf(given, async () => {
      for (let n = 0; n < 8; n++) await act(given.to, n)
    })
    expect(count).toBe(6)
  })

  test('gets them no more often because the account is deleted and made again', async () => {
    const given = await mailing.server()
    const count = await mailsOf(given, async () => {
      for (let n = 0; n < 8; n++) {
        await signUp(given.to)
        await given.to.server.admin.deleteUser(maria)
        await given.sendMails()
      }
      await signUp(given.to)
    })
    expect(count).toBe(6)
  })

  test('is told of a new device, however many mails to confirm the address whoever is in the account has asked for', async () => {
    const given = await mailing.server()
    const thief = browser(given.to)
    await thief.signUp()
    for (let hours = 0; hours < 3; hours++) {
      for (let n = 0; n < 5; n++) await thief.submit('/account', { command: 'verify_address' })
      await given.sendMails()
      await given.to.later(3600)
    }
    expect(await mailsOf(given, () => browser(given.to, 'Another/1').signIn())).toBe(1)
    expect(mailing.post.lastTo(maria).text).toContain('/not-me')
  })

  test('reads nothing that leads elsewhere: a device has no name like an address', async () => {
    const given = await mailing.server()
    await signUp(given.to)
    await mailsOf(given, () => browser(given.to, 'sample-login.com/1').signIn())
    expect(mailing.post.lastTo(maria, '/not-me').text).not.toContain('sample-login.com')
  })
})
