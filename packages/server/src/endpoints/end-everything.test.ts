import type { Store } from '@countersign/store'
import { afterEach, expect, test } from 'vitest'
import { asApi, bearer, call, get, logIn, postJson, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given } from '../testing/given.ts'

afterEach(closeGiven)

const endOthers = (to: GivenServer, token: string) =>
  call(to, { method: 'DELETE', url: '/v1/sessions?except=current', headers: bearer(token) })

const endAsOperator = (to: GivenServer, userId: string) =>
  call(to, { method: 'DELETE', url: `/v1/trusted/users/${userId}/sessions`, headers: asApi })

/** `meanwhile(act)`: it happens, on another node, say, right before the next change that ends everything is committed. */
async function interrupted() {
  let act = async (): Promise<unknown> => undefined
  const wrapStore = (store: Store): Store => ({
    ...store,
    async commit(change) {
      if (change.audit.some(({ event }) => event === 'sessions.ended')) {
        const now = act
        act = async () => undefined
        await now()
      }
      return store.commit(change)
    },
  })
  const to = await given.server({ wrapStore })
  const meanwhile = (next: typeof act): void => {
    act = next
  }
  return { to, userId: await signUp(to), thief: await logIn(to), meanwhile }
}

test('who is told that everything has ended is told the truth, though a thief keeps a session at the same moment', async () => {
  const { to, userId, thief, meanwhile } = await interrupted()
  meanwhile(() => endOthers(to, thief.accessToken))
  expect((await endAsOperator(to, userId)).status).toBe(204)
  expect((await refresh(to, thief.refreshToken)).body.reason).toBe('authorization_revoked')
})

test('a user who ends all of theirs ends the thief’s too, though the thief has ended theirs a moment before', async () => {
  const { to, thief, meanwhile } = await interrupted()
  const owner = await logIn(to)
  meanwhile(() => endOthers(to, thief.accessToken))
  await call(to, { method: 'DELETE', url: '/v1/sessions', headers: bearer(owner.accessToken) })
  expect((await refresh(to, thief.refreshToken)).body.reason).toBe('authorization_revoked')
})

test('and though the thief changes the password', async () => {
  const { to, userId, thief, meanwhile } = await interrupted()
  let fresh = ''
  meanwhile(async () => {
    const body = { current_password: 'correct horse battery', new_password: 'another horse battery' }
    fresh = String((await postJson(to, '/v1/password', body, bearer(thief.accessToken))).body.access_token)
  })
  expect((await endAsOperator(to, userId)).status).toBe(204)
  expect((await get(to, '/v1/me', bearer(fresh))).status).toBe(401)
})

test('one login ends all others sixty times an hour: it cannot fill the feed, nor use up what another has', async () => {
  const to = await given.server()
  await signUp(to)
  const [thief, owner] = [await logIn(to), await logIn(to)]
  const { number } = await to.store.feed.snapshot()
  let token = thief.accessToken
  for (let times = 0; times < 60; times++) {
    expect((await endOthers(to, token)).status).toBe(204)
    token = String((await refresh(to, thief.refreshToken)).body.access_token)
  }
  const refused = await endOthers(to, token)
  expect([refused.status, refused.body.reason, refused.headers['retry-after']]).toEqual([
    429,
    'too_many_attempts',
    expect.stringMatching(/^\d+$/),
  ])
  expect((await to.store.feed.snapshot()).number - number).toBe(60)
  expect((await refresh(to, owner.refreshToken)).body.reason).toBe('authorization_revoked')
  const again = await logIn(to)
  expect((await endOthers(to, again.accessToken)).status).toBe(204)
  expect((await refresh(to, thief.refreshToken)).body.reason).toBe('authorization_revoked')
})
