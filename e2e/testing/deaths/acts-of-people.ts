import { createHmac } from 'node:crypto'
import { expect } from 'vitest'
import { type Browser, browser } from '../../../packages/server/src/testing/browser.ts'
import {
  type Answer,
  call,
  get,
  introspect,
  logIn,
  postForm,
  postJson,
  refresh,
} from '../../../packages/server/src/testing/calls.ts'
import { beginWith, pathOf, signInWith } from '../../../packages/server/src/testing/connected.ts'
import { type GivenServer, password } from '../../../packages/server/src/testing/given.ts'
import { importLines } from '../../../packages/server/src/testing/imports.ts'
import { linkIn } from '../../../packages/server/src/testing/mail-server.ts'
import { importedHashes } from '../../../packages/server/src/testing/races-of-imported.ts'
import { client as ofProviders } from '../../../packages/server/src/testing/upstreams/upstream.ts'
import { expectNewPassword, newPassword } from './acts-of-logins.ts'
import { act, type DeadlyAct, type DyingNodes, isAnswered } from './dying.ts'
import { isDone } from './operate.ts'
import { newAddress, onNode, person, signedIn } from './people.ts'
import { asBackEnd } from './sites.ts'

/** Everything that is due is sent by the node beside; the link in the mail that somebody has got. */
async function mailedLink({ beside, around, looking }: DyingNodes, email: string, path = ''): Promise<string> {
  await looking(async () => beside.server.mails?.look())
  return linkIn(around.post.lastTo(email, path))
}

/** A browser that has come with a link from a mail. */
async function cameWith(beside: GivenServer, link: string, page: Browser = browser(beside)): Promise<Browser> {
  expect((await page.get(link)).status).toBe(303)
  return page
}

const reasonOf = ({ headers }: Answer): unknown => headers['countersign-reason']

async function expectSpent(page: Browser, path: string): Promise<void> {
  expect(reasonOf(await page.get(path))).toBe('mail_link_invalid')
}

const invitations = '/v1/trusted/invitations'

async function invited(beside: GivenServer): Promise<{ email: string; id: string; link: string }> {
  const email = newAddress()
  const { body } = await postJson(beside, invitations, { email, delivery: 'link' }, asBackEnd)
  return { email, id: String(body.id), link: pathOf(String(body.link)) }
}

let strangers = 0

/** The next who comes to the provider is somebody else. */
function newPerson({ around }: DyingNodes): { sub: string; email: string } {
  const somebody = { sub: `person-${++strangers}`, email: newAddress() }
  around.work.person = { ...around.work.person, ...somebody }
  around.facebook.person = { ...around.facebook.person, id: `90${strangers}`, email: newAddress() }
  return somebody
}

/** What comes of a sign-in with a provider, by its first step alone or by both. */
async function expectUser(nodes: DyingNodes, sub: string, isThere: boolean): Promise<void> {
  const { beside, around } = nodes
  const { user } = await beside.store.loadUserByIdentity('work', sub)
  expect(user !== undefined).toBe(isThere)
  // Who starts again comes in, as the same.
  expect((await signInWith(beside, around.work, 'work')).headers.location).toBe('/account')
  const again = await beside.store.loadUserByIdentity('work', sub)
  if (isThere) expect(again.user?.id).toBe(user?.id)
  expect(await beside.store.listIdentities(again.user?.id ?? '')).toHaveLength(1)
}

/** To the provider; the path that the browser comes back to. */
async function backFromProvider({ around }: DyingNodes, page: Browser, way?: string): Promise<string> {
  const there = way === undefined ? await beginWith(page, 'work') : String((await page.get(way)).headers.location)
  return pathOf(await around.work.visit(there))
}

async function wayOn(page: Browser, path: string): Promise<string> {
  const { text } = await page.get(path)
  return /href="(\/connections\/work\?[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? ''
}

async function loggedIn(beside: GivenServer) {
  const somebody = await person(beside)
  return { ...somebody, login: await logIn(beside, { email: somebody.email }) }
}

/** An operator's act on somebody who is logged in; what it leaves of the login. */
const byOperator = (
  name: string,
  operate: (dying: GivenServer, id: string) => Promise<unknown>,
  after: (beside: GivenServer, email: string, id: string) => Promise<void>,
): DeadlyAct =>
  act({
    name,
    prepare: loggedIn,
    act: (dying, { id }) => isDone(operate(dying, id)),
    async judge(beside, { id, email, login }) {
      expect((await introspect(beside, login.accessToken)).body.active).toBe(false)
      expect((await refresh(beside, login.refreshToken)).body.error).toBe('invalid_grant')
      await after(beside, email, id)
    },
  })

const tryLogin = (beside: GivenServer, email: string): Promise<Answer> =>
  postJson(beside, '/v1/sessions', { email, password, client_id: 'bearer-app' })

const imported = (email: string) => ({ email, password_hash: importedHashes.django })

async function imports(beside: GivenServer): Promise<{ email: string }> {
  const email = newAddress()
  expect(await importLines(beside, [imported(email)])).toMatchObject({ imported: 1 })
  return { email }
}

/** Links in mails, invitations, providers, and what operators do to people. */
export const actsOfPeople: readonly DeadlyAct[] = [
  act({
    name: 'a new password that is asked for',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      return person(beside)
    },
    act: async (dying, { email }) => isAnswered(await browser(dying).submit('/forgot-password', { email })),
    async judge(beside, { email }, _left, nodes) {
      const page = await cameWith(beside, await mailedLink(nodes, email, '/reset-password'))
      expect((await page.get('/reset-password')).status).toBe(200)
    },
  }),
  act({
    name: 'a new password by a link',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      const { email } = await person(beside)
      await browser(beside).submit('/forgot-password', { email })
      return { email, page: await cameWith(beside, await mailedLink(nodes, email, '/reset-password')) }
    },
    async act(dying, { page }) {
      return isAnswered(await onNode(dying, page).submit('/reset-password', { new_password: newPassword }))
    },
    async judge(beside, { email, page }) {
      await expectNewPassword(beside, email)
      await expectSpent(page, '/reset-password')
    },
  }),
  act({
    name: 'a mail to confirm an address, once more',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      return signedIn(beside)
    },
    act: async (dying, { page }) =>
      isAnswered(await onNode(dying, page).submit('/account', { command: 'verify_address' })),
    async judge(_beside, { email }, _left, nodes) {
      expect(await mailedLink(nodes, email, '/verify-address')).toContain('/verify-address?token=')
    },
  }),
  act({
    name: 'an address that is confirmed',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      const somebody = await signedIn(beside)
      await somebody.page.submit('/account', { command: 'verify_address' })
      await cameWith(beside, await mailedLink(nodes, somebody.email, '/verify-address'), somebody.page)
      return somebody
    },
    act: async (dying, { page }) => isAnswered(await onNode(dying, page).submit('/verify-address', {})),
    async judge(beside, { id, page }) {
      expect((await beside.store.loadUser(id)).user?.emailVerifiedAt).not.toBeNull()
      await expectSpent(page, '/verify-address')
    },
  }),
  act({
    name: 'a “this was not me”',
    async prepare(beside, nodes) {
      await nodes.emptyOutbox()
      const somebody = await loggedIn(beside)
      return { ...somebody, page: await cameWith(beside, await mailedLink(nodes, somebody.email, '/not-me')) }
    },
    act: async (dying, { page }) => isAnswered(await onNode(dying, page).submit('/not-me', {})),
    async judge(beside, { email, login, page }, _left, nodes) {
      expect((await refresh(beside, login.refreshToken)).body.error).toBe('invalid_grant')
      expect((await tryLogin(beside, email)).status).toBe(401)
      await expectSpent(page, '/not-me')
      expect(await mailedLink(nodes, email, '/reset-password')).toContain('token=')
    },
  }),
  act({
    name: 'an invitation by mail',
    async prepare(_beside, nodes) {
      await nodes.emptyOutbox()
      return { email: newAddress() }
    },
    act: async (dying, { email }) => isAnswered(await postJson(dying, invitations, { email }, asBackEnd)),
    async judge(beside, { email }, _left, nodes) {
      const page = await cameWith(beside, await mailedLink(nodes, email))
      expect((await page.get('/invitation')).text).toContain(email)
    },
  }),
  act({
    name: 'an invitation that is taken back',
    prepare: invited,
    async act(dying, { id }) {
      return isAnswered(await call(dying, { method: 'DELETE', url: `${invitations}/${id}`, headers: asBackEnd }))
    },
    async judge(beside, { link }) {
      await expectSpent(await cameWith(beside, link), '/invitation')
    },
  }),
  act({
    name: 'an invitation that is accepted: the account, then a session of it',
    async prepare(beside) {
      const { email, link } = await invited(beside)
      return { email, page: await cameWith(beside, link) }
    },
    act: async (dying, { page }) => isAnswered(await onNode(dying, page).submit('/invitation', { password })),
    async judge(beside, { email, page }) {
      // Spent, and not for nothing: the account is there, and its password is known to whoever chose it.
      await expectSpent(page, '/invitation')
      expect((await browser(beside).signIn(email)).headers.location).toBe('/account')
    },
  }),
  act({
    name: 'an invitation that is accepted with a provider',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      const { email, link } = await invited(beside)
      const page = await cameWith(beside, link)
      return { sub, email, page, back: await backFromProvider(nodes, page, await wayOn(page, '/invitation')) }
    },
    act: async (dying, { page, back }) => isAnswered(await onNode(dying, page).get(back)),
    async judge(beside, { sub, email, page }, { commits }, nodes) {
      if (commits === 1) {
        // The way there is used, the invitation is not: it leads there again.
        expect((await page.get(await backFromProvider(nodes, page, await wayOn(page, '/invitation')))).status).toBe(303)
      }
      await expectSpent(page, '/invitation')
      expect((await beside.store.loadUserByIdentity('work', sub)).user?.email).toBe(email)
    },
  }),
  act({
    name: 'a sign-in with a provider that begins',
    async prepare(beside, nodes) {
      newPerson(nodes)
      return { page: browser(beside), location: '' }
    },
    async act(dying, prepared) {
      const page = onNode(dying, prepared.page)
      const answer = await page.get('/connections/work?return_to=/account')
      prepared.location = String(answer.headers.location)
      for (const [name, value] of page.jar) prepared.page.jar.set(name, value)
      return isAnswered(answer)
    },
    async judge(_beside, { page, location }, { isDone: isHeard }, { around }) {
      if (!isHeard) return
      expect((await page.get(pathOf(await around.work.visit(location)))).headers.location).toBe('/account')
    },
  }),
  act({
    name: 'a first sign-in with a provider: the way back, then user, identity and session',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      const page = browser(beside)
      return { sub, page, back: await backFromProvider(nodes, page) }
    },
    act: async (dying, { page, back }) => isAnswered(await onNode(dying, page).get(back)),
    judge: (_beside, { sub }, { commits }, nodes) => expectUser(nodes, sub, commits === 2),
  }),
  act({
    name: 'a first sign-in with an ID token of a provider',
    async prepare(_beside, nodes) {
      const { sub } = newPerson(nodes)
      return { sub, id_token: await nodes.around.work.idToken({ jti: sub }) }
    },
    async act(dying, { id_token }) {
      const body = { connection: 'work', client_id: 'bearer-app', id_token }
      return isAnswered(await postJson(dying, '/v1/sessions/connection', body))
    },
    judge: (_beside, { sub }, _left, nodes) => expectUser(nodes, sub, true),
  }),
  act({
    name: 'a way to sign in that is added: the way back, then the identity',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      const somebody = await signedIn(beside)
      const way = await wayOn(somebody.page, '/account/connections')
      return { ...somebody, sub, back: await backFromProvider(nodes, somebody.page, way) }
    },
    act: async (dying, { page, back }) => isAnswered(await onNode(dying, page).get(back)),
    async judge(beside, { id, sub, page }, { commits }, nodes) {
      if (commits === 1) {
        await page.get(await backFromProvider(nodes, page, await wayOn(page, '/account/connections')))
      }
      expect((await beside.store.loadUserByIdentity('work', sub)).user?.id).toBe(id)
    },
  }),
  act({
    name: 'a way to sign in that is taken off',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      const somebody = await signedIn(beside)
      const way = await wayOn(somebody.page, '/account/connections')
      await somebody.page.get(await backFromProvider(nodes, somebody.page, way))
      return { ...somebody, sub }
    },
    async act(dying, { page, sub }) {
      const fields = { command: 'unlink', connection: 'work', subject: sub }
      return isAnswered(await onNode(dying, page).submit('/account/connections', fields))
    },
    async judge(beside, { id }) {
      expect(await beside.store.listIdentities(id)).toEqual([])
    },
  }),
  act({
    name: 'a provider’s token that is renewed: who does it, then the new one',
    async prepare(beside, nodes) {
      const { sub } = newPerson(nodes)
      await signInWith(beside, nodes.around.work, 'work')
      const { user } = await beside.store.loadUserByIdentity('work', sub)
      await beside.later(300)
      const { asked } = nodes.around.work
      return { url: `/v1/trusted/users/${user?.id}/connections/work/token`, asked, before: asked.length }
    },
    act: async (dying, { url }) => isAnswered(await get(dying, url, asBackEnd)),
    async judge(beside, { url, asked, before }, { commits }, nodes) {
      if (commits === 2) return void expect((await get(beside, url, asBackEnd)).status).toBe(200)
      // Whoever died had the turn; after half a minute it is somebody else's.
      expect((await get(beside, url, asBackEnd)).status).toBe(503)
      await beside.later(31)
      const { status, body } = await get(beside, url, asBackEnd)
      if (asked.length === before + 1) expect(status).toBe(200)
      else {
        // The provider had given a new one, which nobody has: it says so, and the next sign-in brings another.
        expect([status, body.reason]).toEqual([404, 'provider_token_missing'])
        await signInWith(beside, nodes.around.work, 'work')
        expect((await get(beside, url, asBackEnd)).status).toBe(200)
      }
    },
  }),
  act({
    name: 'a notice of a provider, which ends everything of a user and forgets its tokens',
    async prepare(beside, nodes) {
      newPerson(nodes)
      await signInWith(beside, nodes.around.facebook, 'facebook')
      const { id } = nodes.around.facebook.person
      const issued_at = Math.floor(beside.now() / 1000)
      const told = JSON.stringify({ user_id: id, algorithm: 'HMAC-SHA256', issued_at })
      const payload = Buffer.from(told).toString('base64url')
      const signature = createHmac('sha256', ofProviders.secret).update(payload).digest('base64url')
      return { id: String(id), notice: { signed_request: `${signature}.${payload}` } }
    },
    act: async (dying, { notice }) => isAnswered(await postForm(dying, '/connections/facebook/notices', notice)),
    async judge(beside, { id, notice }, _left, nodes) {
      const { user, identity } = await beside.store.loadUserByIdentity('facebook', id)
      const count = async (): Promise<number> => (await beside.store.listSessions(user?.id ?? '')).length
      expect([await count(), identity?.sealedTokens]).toEqual([0, null])
      // A provider that heard nothing says it again: what was begun since lives.
      await signInWith(beside, nodes.around.facebook, 'facebook')
      expect((await postForm(beside, '/connections/facebook/notices', notice)).status).toBe(202)
      expect(await count()).toBe(1)
    },
  }),
  act({
    name: 'other rights of a user, of which every token must tell',
    prepare: loggedIn,
    async act(dying, { id }) {
      const headers = { 'content-type': 'application/json', ...asBackEnd }
      const url = `/v1/trusted/users/${id}/rights`
      return isAnswered(await call(dying, { method: 'PUT', url, payload: '{"roles":["editor"]}', headers }))
    },
    async judge(beside, { id, login }) {
      expect((await beside.store.loadUser(id)).user?.rights.roles).toEqual(['editor'])
      expect((await introspect(beside, login.accessToken)).body.active).toBe(false)
      expect((await refresh(beside, login.refreshToken)).status).toBe(200)
    },
  }),
  byOperator(
    'a user who is locked out',
    (dying, id) => dying.server.admin.disableUser(id),
    async (beside, email) => {
      expect((await tryLogin(beside, email)).body.reason).toBe('user_disabled')
    },
  ),
  byOperator(
    'a user who is deleted',
    (dying, id) => dying.server.admin.deleteUser(id),
    async (beside, email, id) => {
      expect((await tryLogin(beside, email)).status).toBe(401)
      expect((await beside.store.loadUser(id)).user).toMatchObject({ email: null, passwordHash: null, sealSalt: null })
      expect((await postJson(beside, '/v1/users', { email, password })).status).toBe(201)
    },
  ),
  act({
    name: 'a user who is let in again',
    async prepare(beside) {
      const somebody = await person(beside)
      await beside.server.admin.disableUser(somebody.id)
      return somebody
    },
    act: (dying, { id }) => isDone(dying.server.admin.enableUser(id)),
    async judge(beside, { email }) {
      expect((await tryLogin(beside, email)).status).toBe(201)
    },
  }),
  act({
    name: 'people who come from another system, in two groups since two lines have one address',
    async prepare() {
      const [one, other] = [newAddress(), newAddress()]
      return { users: [imported(one), imported(other), imported(one)] }
    },
    act: (dying, { users }) => isDone(importLines(dying, users)),
    async judge(beside, { users }) {
      // Begun anew it leaves whoever is there.
      expect((await importLines(beside, users)).there).toBeGreaterThanOrEqual(2)
      for (const { email } of users) expect((await tryLogin(beside, email)).status).toBe(201)
    },
  }),
  act({
    name: 'a login that makes a hash of ours from another system’s',
    prepare: imports,
    act: async (dying, { email }) => isAnswered(await tryLogin(dying, email)),
    async judge(beside, { email }) {
      expect((await beside.store.loadUserByEmail(email)).user?.passwordHash).toMatch(/^\$argon2id\$/)
      expect((await tryLogin(beside, email)).status).toBe(201)
    },
  }),
  act({
    name: 'a count of other systems’ hashes, of which the last one is gone',
    async prepare(beside) {
      const { email } = await imports(beside)
      await tryLogin(beside, email)
      for (const user of await beside.store.listUsers({ limit: 10_000 })) {
        if (user.passwordHash !== importedHashes.django) continue
        const writes = [{ table: 'user' as const, row: { ...user, passwordHash: null } }]
        await beside.store.commit({ writes, audit: [], entries: [], durable: true, time: 0 })
      }
    },
    act: dying => isDone(dying.server.admin.countImportedPasswords()),
    async judge(beside) {
      expect((await beside.store.loadIssuer()).issuer.importedWork).toBeUndefined()
      expect(await beside.server.admin.countImportedPasswords()).toEqual([])
    },
  }),
  act({
    name: 'an end of every access token',
    prepare: loggedIn,
    act: dying => isDone(dying.server.admin.revokeAll()),
    async judge(beside, { login }) {
      expect((await introspect(beside, login.accessToken)).body.active).toBe(false)
      expect((await refresh(beside, login.refreshToken)).status).toBe(200)
    },
  }),
]
