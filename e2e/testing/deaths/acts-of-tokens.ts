import type { Family } from '@countersign/core'
import { expect } from 'vitest'
import { assertionFields } from '../../../packages/server/src/testing/assertion-key.ts'
import { introspect, logIn, postForm, refresh } from '../../../packages/server/src/testing/calls.ts'
import { exchange, userIdType } from '../../../packages/server/src/testing/exchanges.ts'
import type { GivenServer } from '../../../packages/server/src/testing/given.ts'
import { act, type DeadlyAct, isAnswered, isRefusedAs } from './dying.ts'
import { familyOf, person } from './people.ts'
import { assertions } from './sites.ts'

/** A login of an app that rotates at every use, and how it goes on. */
async function quickLogin(beside: GivenServer, client = 'quick-app') {
  const { email, id } = await person(beside)
  const { refreshToken, accessToken } = await logIn(beside, { email, client })
  const next = async (token: string): Promise<string> =>
    String((await refresh(beside, token, { client })).body.refresh_token)
  return { id, email, accessToken, tokens: [refreshToken] as [string, ...string[]], next }
}

/** The store holds something else of a login than it wrote. */
async function rewriteFamily(beside: GivenServer, userId: string, rewritten: (family: Family) => Partial<Family>) {
  const family = await familyOf(beside, userId)
  const row = { ...family, ...rewritten(family) }
  await beside.store.commit({ writes: [{ table: 'family', row }], audit: [], entries: [], durable: true, time: 0 })
}

/** Tokens are refreshed, exchanged and revoked. */
export const actsOfTokens: readonly DeadlyAct[] = [
  act({
    name: 'a rotation',
    prepare: beside => quickLogin(beside),
    async act(dying, { tokens: [first] }) {
      return isAnswered(await refresh(dying, first, { client: 'quick-app' }))
    },
    async judge(beside, { tokens: [first] }) {
      const again = await refresh(beside, first, { client: 'quick-app' })
      expect(again.status).toBe(200)
      const next = String(again.body.refresh_token)
      expect((await refresh(beside, next, { client: 'quick-app' })).status).toBe(200)
    },
  }),
  act({
    name: 'a rotation after a day, which waits for the disk',
    async prepare(beside) {
      const login = await quickLogin(beside)
      const twoDays = 2 * 86_400_000
      await rewriteFamily(beside, login.id, ({ createdAt, rotatedAt }) => ({
        createdAt: createdAt - twoDays,
        rotatedAt: rotatedAt - twoDays,
      }))
      return login
    },
    async act(dying, { tokens: [first] }) {
      return isAnswered(await refresh(dying, first, { client: 'quick-app' }))
    },
    async judge(beside, { tokens: [first] }) {
      expect((await refresh(beside, first, { client: 'quick-app' })).status).toBe(200)
    },
  }),
  act({
    name: 'a reuse that ends the login',
    async prepare(beside) {
      const login = await quickLogin(beside, 'strict-app')
      const second = await login.next(login.tokens[0])
      return { ...login, current: await login.next(second) }
    },
    async act(dying, { tokens: [first] }) {
      return isRefusedAs(await refresh(dying, first, { client: 'strict-app' }), 'refresh_token_reused')
    },
    async judge(beside, { tokens: [first], current, accessToken }) {
      for (const token of [first, current]) {
        const { body } = await refresh(beside, token, { client: 'strict-app' })
        expect(body.reason).toBe('refresh_token_reused')
      }
      expect((await introspect(beside, accessToken)).body.active).toBe(false)
    },
  }),
  act({
    name: 'a late retry, which spends the credit',
    async prepare(beside) {
      const login = await quickLogin(beside)
      await login.next(login.tokens[0])
      await beside.later(21)
      return login
    },
    async act(dying, { tokens: [first] }) {
      return isAnswered(await refresh(dying, first, { client: 'quick-app' }))
    },
    async judge(beside, { tokens: [first] }) {
      // Whoever did not hear it, and asks once more, is heard.
      expect((await refresh(beside, first, { client: 'quick-app' })).status).toBe(200)
    },
  }),
  act({
    name: 'a token in the hands of another client, which is noted',
    prepare: beside => quickLogin(beside),
    async act(dying, { tokens: [first] }) {
      return isRefusedAs(await refresh(dying, first, { client: 'strict-app' }), 'client_mismatch')
    },
    async judge(beside, { tokens: [first] }) {
      expect((await refresh(beside, first, { client: 'quick-app' })).status).toBe(200)
    },
  }),
  act({
    name: 'a bound token of long before, which is noted',
    async prepare(beside) {
      const { email } = await person(beside)
      const key = beside.key()
      const { refreshToken } = await logIn(beside, { email, client: 'app', key })
      let current = refreshToken
      for (const _ of [1, 2])
        current = String((await refresh(beside, current, { client: 'app', key })).body.refresh_token)
      return { key, refreshToken }
    },
    act: async (dying, { key, refreshToken }) => isAnswered(await refresh(dying, refreshToken, { client: 'app', key })),
    async judge(beside, { key, refreshToken }) {
      expect((await refresh(beside, refreshToken, { client: 'app', key })).status).toBe(200)
    },
  }),
  act({
    name: 'a token that the store has forgotten, which is believed',
    async prepare(beside) {
      const login = await quickLogin(beside)
      const current = await login.next(login.tokens[0])
      await rewriteFamily(beside, login.id, () => ({ generation: 0 }))
      return { current }
    },
    act: async (dying, { current }) => isAnswered(await refresh(dying, current, { client: 'quick-app' })),
    async judge(beside, { current }) {
      expect((await refresh(beside, current, { client: 'quick-app' })).status).toBe(200)
    },
  }),
  act({
    name: 'an access token that is revoked by name',
    prepare: beside => quickLogin(beside),
    async act(dying, { accessToken: token }) {
      return isAnswered(await postForm(dying, '/revoke', { client_id: 'quick-app', token }))
    },
    async judge(beside, { accessToken, tokens: [first] }) {
      expect((await introspect(beside, accessToken)).body.active).toBe(false)
      expect((await refresh(beside, first, { client: 'quick-app' })).status).toBe(200)
    },
  }),
  act({
    name: 'an access token too many to be revoked by name, whose login ends',
    prepare: beside => quickLogin(beside),
    async act(dying, { id, accessToken: token }) {
      const family = await familyOf(dying, id)
      const limit = { kind: 'access tokens revoked of a login', attempts: 20, windowSeconds: 3600 }
      while ((await dying.server.services.counters.take(limit, family.id)).allowed);
      return isAnswered(await postForm(dying, '/revoke', { client_id: 'quick-app', token }))
    },
    async judge(beside, { accessToken, tokens: [first] }) {
      expect((await introspect(beside, accessToken)).body.active).toBe(false)
      expect((await refresh(beside, first, { client: 'quick-app' })).body.error).toBe('invalid_grant')
    },
  }),
  act({
    name: 'an assertion of a client, which is good once',
    prepare: async () => ({ assertion: assertions.assertion('job') }),
    async act(dying, { assertion }) {
      const fields = { grant_type: 'client_credentials', ...assertionFields(assertion) }
      return isAnswered(await postForm(dying, '/token', fields))
    },
    async judge(beside, { assertion }) {
      const fields = { grant_type: 'client_credentials', ...assertionFields(assertion) }
      expect((await postForm(beside, '/token', fields)).status).toBe(401)
    },
  }),
  act({
    name: 'a back end that acts as a user, which is noted',
    prepare: person,
    act: async (dying, { id }) => isAnswered(await exchange(dying, id, { subject_token_type: userIdType })),
    async judge(beside, { id }) {
      expect((await exchange(beside, id, { subject_token_type: userIdType })).status).toBe(200)
    },
  }),
]
