import { expect } from 'vitest'
import { browser } from '../../../packages/server/src/testing/browser.ts'
import {
  type Answer,
  asApi,
  bearer,
  call,
  introspect,
  type Login,
  logIn,
  postForm,
  postJson,
  refresh,
} from '../../../packages/server/src/testing/calls.ts'
import { type GivenServer, password } from '../../../packages/server/src/testing/given.ts'
import { act, type DeadlyAct, isAnswered } from './dying.ts'
import { newAddress, onNode, type Person, person, signedIn } from './people.ts'

/** Somebody with two logins: what ends one may leave the other, or not. */
async function withTwoLogins(beside: GivenServer): Promise<Person & { one: Login; other: Login }> {
  const somebody = await person(beside)
  const logins = [await logIn(beside, { email: somebody.email }), await logIn(beside, { email: somebody.email })]
  const [one, other] = logins as [Login, Login]
  return { ...somebody, one, other }
}

/** Every way of asking says the same of a login. */
async function expectAlive(beside: GivenServer, { accessToken, refreshToken }: Login, isAlive: boolean): Promise<void> {
  const { status, body } = await refresh(beside, refreshToken)
  const { active } = (await introspect(beside, accessToken)).body
  expect([status, active], String(body.reason)).toEqual(isAlive ? [200, true] : [400, false])
}

/** An end of a login: which of the two it ends, and nothing of it otherwise. */
function end(
  name: string,
  asked: (dying: GivenServer, prepared: Person & { one: Login; other: Login }) => Promise<Answer>,
  ends: 'one' | 'other' | 'both',
): DeadlyAct {
  return act({
    name,
    prepare: withTwoLogins,
    act: async (dying, prepared) => isAnswered(await asked(dying, prepared)),
    async judge(beside, { one, other }) {
      await expectAlive(beside, one, ends === 'other')
      await expectAlive(beside, other, ends === 'one')
    },
  })
}

/** The same, from the page of the account. */
function endOnPage(
  name: string,
  command: string,
  ends: { own: boolean; other: boolean },
  more: Readonly<Record<string, string>> = {},
): DeadlyAct {
  return act({
    name,
    async prepare(beside) {
      const somebody = await signedIn(beside)
      return { ...somebody, other: await logIn(beside, { email: somebody.email }) }
    },
    act: async (dying, { page }) => isAnswered(await onNode(dying, page).submit('/account', { command, ...more })),
    async judge(beside, { page, other }) {
      const shown = (await page.get('/account')).status
      expect(shown).toBe(ends.own ? 303 : 200)
      await expectAlive(beside, other, !ends.other)
    },
  })
}

export async function expectNewPassword(beside: GivenServer, email: string): Promise<void> {
  const tried = await postJson(beside, '/v1/sessions', { email, password: newPassword, client_id: 'bearer-app' })
  expect(tried.status).toBe(201)
}

export const newPassword = 'another fine battery'
const passwords = { current_password: password, new_password: newPassword }

const trusted = '/v1/trusted/sessions'

/** Logins are opened, and end. */
export const actsOfLogins: readonly DeadlyAct[] = [
  act({
    name: 'a login over the API',
    prepare: person,
    act: async (dying, { email }) =>
      isAnswered(await postJson(dying, '/v1/sessions', { email, password, client_id: 'bearer-app' })),
    async judge(beside, { id, email }) {
      const sessions = await beside.store.listSessions(id)
      expect(sessions.map(({ families }) => families.length)).toEqual([1])
      await expectAlive(beside, await logIn(beside, { email }), true)
    },
  }),
  act({
    name: 'a login that takes the place of an earlier one',
    prepare: withTwoLogins,
    async act(dying, { email, one }) {
      const asked = { email, password, client_id: 'bearer-app', supersedes: one.refreshToken }
      return isAnswered(await postJson(dying, '/v1/sessions', asked))
    },
    async judge(beside, { id, one, other }) {
      await expectAlive(beside, one, false)
      await expectAlive(beside, other, true)
      expect(await beside.store.listSessions(id)).toHaveLength(2)
    },
  }),
  act({
    name: 'a sign-up over the API',
    prepare: async () => ({ email: newAddress() }),
    act: async (dying, { email }) => isAnswered(await postJson(dying, '/v1/users', { email, password })),
    async judge(beside, { email }) {
      expect((await postJson(beside, '/v1/users', { email, password })).status).toBe(409)
      await logIn(beside, { email })
    },
  }),
  act({
    name: 'a sign-up on the page, which makes the account and then a session of it',
    prepare: async () => ({ email: newAddress() }),
    act: async (dying, { email }) => isAnswered(await browser(dying).signUp(email)),
    async judge(beside, { email }) {
      // Who heard nothing and tries again is told that there is an account, and gets in with the password that they have chosen.
      const again = await browser(beside).signUp(email)
      expect(again.headers['countersign-reason']).toBe('email_taken')
      expect((await browser(beside).signIn(email)).headers.location).toBe('/account')
    },
  }),
  act({
    name: 'a sign-in on the page',
    prepare: person,
    act: async (dying, { email }) => isAnswered(await browser(dying).signIn(email)),
    async judge(beside, { id, email }) {
      expect(await beside.store.listSessions(id)).toHaveLength(1)
      expect((await browser(beside).signIn(email)).headers.location).toBe('/account')
    },
  }),
  act({
    name: 'a sign-in by who is signed in already, whose cookie is another afterwards',
    prepare: signedIn,
    act: async (dying, { page, email }) => isAnswered(await onNode(dying, page).signIn(email)),
    async judge(beside, { id, page, email }) {
      // The cookie of before is good for nothing; who has not got the new one signs in again.
      expect((await page.get('/account')).status).toBe(303)
      expect((await page.signIn(email)).headers.location).toBe('/account')
      expect((await beside.store.listSessions(id)).length).toBe(2)
    },
  }),
  act({
    name: 'a login by a back end of somebody whom it brings along: user and identity, then the login',
    prepare: async () => ({ external_id: newAddress() }),
    async act(dying, user) {
      return isAnswered(await postJson(dying, trusted, { client_id: 'bearer-app', user }, asApi))
    },
    async judge(beside, user, { commits }) {
      const found = await beside.store.loadUserByIdentity('trusted:api', user.external_id)
      const again = await postJson(beside, trusted, { client_id: 'bearer-app', user }, asApi)
      // The same user, whether they had got their login or not.
      expect([again.status, await beside.store.listSessions(found.user?.id ?? '')]).toMatchObject([
        201,
        { length: commits },
      ])
    },
  }),
  end(
    'an end of a session by its user',
    (dying, { one, other }) =>
      call(dying, { method: 'DELETE', url: `/v1/sessions/${other.sessionId}`, headers: bearer(one.accessToken) }),
    'other',
  ),
  end(
    'an end of everything, by the user',
    (dying, { one }) => call(dying, { method: 'DELETE', url: '/v1/sessions', headers: bearer(one.accessToken) }),
    'both',
  ),
  act({
    name: 'an end of everything else',
    prepare: withTwoLogins,
    async act(dying, { one }) {
      const url = '/v1/sessions?except=current'
      return isAnswered(await call(dying, { method: 'DELETE', url, headers: bearer(one.accessToken) }))
    },
    async judge(beside, { one, other }) {
      expect((await refresh(beside, one.refreshToken)).status).toBe(200)
      await expectAlive(beside, other, false)
    },
  }),
  end(
    'an end of a session by a back end',
    (dying, { id, one }) =>
      call(dying, { method: 'DELETE', url: `/v1/trusted/users/${id}/sessions/${one.sessionId}`, headers: asApi }),
    'one',
  ),
  end(
    'an end of everything of a user, by a back end',
    (dying, { id }) => call(dying, { method: 'DELETE', url: `/v1/trusted/users/${id}/sessions`, headers: asApi }),
    'both',
  ),
  end(
    'a sign-out by refresh token',
    (dying, { one }) => postForm(dying, '/revoke', { client_id: 'bearer-app', token: one.refreshToken }),
    'one',
  ),
  endOnPage('a sign-out on the page', 'sign_out', { own: true, other: false }),
  endOnPage('an end of everything on the page', 'end_all', { own: true, other: true }),
  endOnPage('an end of everything else on the page', 'end_others', { own: false, other: true }),
  act({
    name: 'a sign-out that an application asks for',
    prepare: signedIn,
    act: async (dying, { page }) => {
      const answer = await onNode(dying, page).submit('/logout', {})
      return answer.status === 200 || isAnswered(answer)
    },
    async judge(_beside, { page }) {
      expect((await page.get('/account')).status).toBe(303)
    },
  }),
  act({
    name: 'a new password over the API',
    prepare: withTwoLogins,
    act: async (dying, { one }) =>
      isAnswered(await postJson(dying, '/v1/password', passwords, bearer(one.accessToken))),
    async judge(beside, { email, one, other }) {
      await expectNewPassword(beside, email)
      expect((await introspect(beside, one.accessToken)).body.active).toBe(false)
      // Who has not heard it goes on with the refresh token that they have.
      expect((await refresh(beside, one.refreshToken)).status).toBe(200)
      await expectAlive(beside, other, false)
    },
  }),
  act({
    name: 'a new password on the page',
    async prepare(beside) {
      const somebody = await signedIn(beside)
      return { ...somebody, other: await logIn(beside, { email: somebody.email }) }
    },
    act: async (dying, { page }) =>
      isAnswered(await onNode(dying, page).submit('/account', { command: 'change_password', ...passwords })),
    async judge(beside, { email, page, other }) {
      await expectNewPassword(beside, email)
      expect((await page.get('/account')).status).toBe(303)
      await expectAlive(beside, other, false)
    },
  }),
]
