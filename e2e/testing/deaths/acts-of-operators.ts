import { expect } from 'vitest'
import { call, introspect, postJson, refresh } from '../../../packages/server/src/testing/calls.ts'
import { type GivenServer, password } from '../../../packages/server/src/testing/given.ts'
import { act, type DeadlyAct, isAnswered } from './dying.ts'
import { isDone } from './operate.ts'
import { loggedIn, person, tryLogin } from './people.ts'
import { asBackEnd } from './sites.ts'

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

/** What operators and their back ends do to users. */
export const actsOfOperators: readonly DeadlyAct[] = [
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
    name: 'an end of every access token',
    prepare: loggedIn,
    act: dying => isDone(dying.server.admin.revokeAll()),
    async judge(beside, { login }) {
      expect((await introspect(beside, login.accessToken)).body.active).toBe(false)
      expect((await refresh(beside, login.refreshToken)).status).toBe(200)
    },
  }),
]
