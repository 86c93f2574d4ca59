import { expect } from 'vitest'
import { assertionFields } from '../../../packages/server/src/testing/assertion-key.ts'
import {
  type Answer,
  authorization,
  bearer,
  call,
  introspect,
  logIn,
  postForm,
  redeem,
  refresh,
} from '../../../packages/server/src/testing/calls.ts'
import { answerDevice, device } from '../../../packages/server/src/testing/devices.ts'
import { exchange, userIdType } from '../../../packages/server/src/testing/exchanges.ts'
import type { GivenServer } from '../../../packages/server/src/testing/given.ts'
import { push } from '../../../packages/server/src/testing/pushed.ts'
import { act, type DeadlyAct, isAnswered } from './dying.ts'
import { onNode, person, signedIn } from './people.ts'
import { assertions } from './sites.ts'

const redirect_uri = 'https://stranger.example/callback'

/** True if it is refused for this reason; else the server must be away. */
function isRefusedAs(answer: Answer, reason: string): boolean {
  return (answer.status === 400 && answer.body.reason === reason) || isAnswered(answer)
}

/** A login of an app that rotates at every use, and how it goes on. */
async function quickLogin(beside: GivenServer, client = 'quick-app') {
  const { email, id } = await person(beside)
  const { refreshToken, accessToken } = await logIn(beside, { email, client })
  const next = async (token: string): Promise<string> =>
    String((await refresh(beside, token, { client })).body.refresh_token)
  return { id, email, accessToken, tokens: [refreshToken] as [string, ...string[]], next }
}

function codeIn(answer: Answer): string | null {
  return new URL(String(answer.headers.location), 'https://login.example').searchParams.get('code')
}

/** Somebody who is asked what somebody else's application may do. */
async function asked(beside: GivenServer) {
  const somebody = await signedIn(beside)
  const asked = authorization({ client_id: 'stranger', redirect_uri })
  const consent = String((await somebody.page.get(asked.path)).headers.location)
  return { ...somebody, ...asked, consent }
}

async function withGrant(beside: GivenServer) {
  const asking = await asked(beside)
  const code = codeIn(await asking.page.decide(asking.consent, 'allow')) ?? ''
  const fields = { code, code_verifier: asking.verifier, client_id: 'stranger', redirect_uri }
  const { body } = await redeem(beside, fields)
  return { ...asking, refreshToken: String(body.refresh_token) }
}

const applications = '/account/applications'
const onApplications = (
  name: string,
  fields: (login: { familyId: string }) => Readonly<Record<string, string>>,
  isWithdrawn: boolean,
): DeadlyAct =>
  act({
    name,
    async prepare(beside) {
      const made = await withGrant(beside)
      const [session] = await beside.store.listSessions(made.id)
      return { ...made, familyId: session?.families[0]?.id ?? '' }
    },
    act: async (dying, made) => isAnswered(await onNode(dying, made.page).submit(applications, fields(made))),
    async judge(beside, { page, path, refreshToken }) {
      expect((await refresh(beside, refreshToken, { client: 'stranger' })).body.error).toBe('invalid_grant')
      // What was allowed stands, unless that was taken back.
      expect(codeIn(await page.get(path)) === null).toBe(isWithdrawn)
    },
  })

/** Codes, grants, refreshes, devices: what leads to tokens, and takes them back. */
export const actsOfTokens: readonly DeadlyAct[] = [
  act({
    name: 'a code for an application of the house',
    async prepare(beside) {
      return { ...(await signedIn(beside)), ...authorization() }
    },
    act: async (dying, { page, path }) => isAnswered(await onNode(dying, page).get(path)),
    async judge(beside, { page, path, verifier }) {
      const code = codeIn(await page.get(path)) ?? ''
      expect((await redeem(beside, { code, code_verifier: verifier })).status).toBe(200)
    },
  }),
  act({
    name: 'a consent, with the code that it gives',
    prepare: asked,
    act: async (dying, { page, consent }) => isAnswered(await onNode(dying, page).decide(consent, 'allow')),
    async judge(beside, { page, path, verifier }) {
      // What was allowed is not asked again.
      const fields = { code: codeIn(await page.get(path)) ?? '', code_verifier: verifier }
      expect((await redeem(beside, { ...fields, client_id: 'stranger', redirect_uri })).status).toBe(200)
    },
  }),
  act({
    name: 'a redemption of a code',
    async prepare(beside) {
      const { page } = await signedIn(beside)
      return { page, ...(await page.code({ client_id: 'quick-app' })) }
    },
    async act(dying, { code, verifier }) {
      return isAnswered(await redeem(dying, { code, code_verifier: verifier, client_id: 'quick-app' }))
    },
    async judge(beside, { page, code, verifier }) {
      const again = await redeem(beside, { code, code_verifier: verifier, client_id: 'quick-app' })
      expect([again.status, again.body.reason]).toEqual([400, 'code_invalid'])
      // Whoever lost the answer gets the next code without a question.
      expect(codeIn(await page.get(authorization({ client_id: 'quick-app' }).path))).not.toBeNull()
    },
  }),
  act({
    name: 'a redemption that takes the place of what the application had',
    async prepare(beside) {
      const { page } = await signedIn(beside)
      const request = authorization({ client_id: 'single' })
      const first = codeIn(await page.decide(String((await page.get(request.path)).headers.location), 'allow')) ?? ''
      const fields = (code: string, code_verifier: string) => ({ code, code_verifier, client_id: 'single' })
      const { body } = await redeem(beside, fields(first, request.verifier))
      const { code, verifier } = await page.code({ client_id: 'single' })
      return { refreshToken: String(body.refresh_token), fields: fields(code, verifier) }
    },
    act: async (dying, { fields }) => isAnswered(await redeem(dying, fields)),
    async judge(beside, { refreshToken, fields }) {
      expect((await redeem(beside, fields)).status).toBe(400)
      expect((await refresh(beside, refreshToken, { client: 'single' })).body.error).toBe('invalid_grant')
    },
  }),
  act({
    name: 'a second redemption of a code, which ends what the first gave',
    async prepare(beside) {
      const { page } = await signedIn(beside)
      const { code, verifier } = await page.code({ client_id: 'quick-app' })
      const fields = { code, code_verifier: verifier, client_id: 'quick-app' }
      const { body } = await redeem(beside, fields)
      await beside.later(11)
      return { fields, refreshToken: String(body.refresh_token) }
    },
    act: async (dying, { fields }) => isRefusedAs(await redeem(dying, fields), 'code_reused'),
    async judge(beside, { refreshToken }) {
      expect((await refresh(beside, refreshToken, { client: 'quick-app' })).body.error).toBe('invalid_grant')
    },
  }),
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
      const [{ families: [family] = [] } = {}] = await beside.store.listSessions(login.id)
      if (family === undefined) throw new Error('no login')
      const day = 86_400_000
      const row = { ...family, createdAt: family.createdAt - 2 * day, rotatedAt: family.rotatedAt - 2 * day }
      await beside.store.commit({ writes: [{ table: 'family', row }], audit: [], entries: [], durable: true, time: 0 })
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
      const [{ families: [family] = [] } = {}] = await beside.store.listSessions(login.id)
      if (family === undefined) throw new Error('no login')
      const row = { ...family, generation: 0 }
      await beside.store.commit({ writes: [{ table: 'family', row }], audit: [], entries: [], durable: true, time: 0 })
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
      const [{ families: [family] = [] } = {}] = await dying.store.listSessions(id)
      const limit = { kind: 'access tokens revoked of a login', attempts: 20, windowSeconds: 3600 }
      while ((await dying.server.services.counters.take(limit, family?.id ?? '')).allowed);
      return isAnswered(await postForm(dying, '/revoke', { client_id: 'quick-app', token }))
    },
    async judge(beside, { accessToken, tokens: [first] }) {
      expect((await introspect(beside, accessToken)).body.active).toBe(false)
      expect((await refresh(beside, first, { client: 'quick-app' })).body.error).toBe('invalid_grant')
    },
  }),
  act({
    name: 'a pushed request',
    prepare: async beside => ({ ...(await signedIn(beside)), path: '' }),
    async act(dying, prepared) {
      const pushed = await push(dying)
      prepared.path = pushed.path
      return isAnswered(pushed.answer)
    },
    async judge(_beside, { page, path }, { isDone }) {
      if (isDone) expect(codeIn(await page.get(path))).not.toBeNull()
    },
  }),
  act({
    name: 'a pushed request that is opened, and used for a code',
    prepare: async beside => ({ ...(await signedIn(beside)), ...(await push(beside)) }),
    act: async (dying, { page, path }) => isAnswered(await onNode(dying, page).get(path)),
    async judge(_beside, { page, path }, { commits }) {
      // Opened alone it waits for whoever comes back; used, it is used.
      expect(codeIn(await page.get(path)) === null).toBe(commits === 2)
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
  act({
    name: 'a device that asks',
    prepare: async beside => ({ ...(await signedIn(beside)), userCode: '' }),
    async act(dying, prepared) {
      const asked = await device(dying)
      prepared.userCode = asked.userCode
      return isAnswered(asked.answer)
    },
    async judge(_beside, { page, userCode }, { isDone }) {
      if (isDone) expect((await answerDevice(page, userCode, 'allow')).status).toBe(303)
    },
  }),
  act({
    name: 'a device that is looked at, and allowed in',
    prepare: async beside => ({ ...(await signedIn(beside)), tv: await device(beside) }),
    async act(dying, { page, tv }) {
      const answer = await answerDevice(onNode(dying, page), tv.userCode, 'allow')
      return isAnswered(answer)
    },
    async judge(_beside, { page, tv }, { commits }) {
      if (commits === 1) expect((await answerDevice(page, tv.userCode, 'allow')).status).toBe(303)
      expect((await tv.poll()).status).toBe(200)
    },
  }),
  act({
    name: 'a device that is sent away',
    prepare: async beside => ({ ...(await signedIn(beside)), tv: await device(beside) }),
    async act(dying, { page, tv }) {
      return isAnswered(await answerDevice(onNode(dying, page), tv.userCode, 'deny'))
    },
    async judge(_beside, { page, tv }, { commits }) {
      if (commits === 1) expect((await answerDevice(page, tv.userCode, 'deny')).status).toBe(303)
      expect((await tv.poll()).body.error).toBe('access_denied')
    },
  }),
  act({
    name: 'a device that gets its login',
    async prepare(beside) {
      const somebody = await signedIn(beside)
      const tv = await device(beside)
      await answerDevice(somebody.page, tv.userCode, 'allow')
      return { ...somebody, tv }
    },
    async act(dying, { tv }) {
      const fields = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'tv' }
      return isAnswered(await postForm(dying, '/token', { ...fields, device_code: tv.deviceCode }))
    },
    async judge(beside, { id, tv }) {
      expect((await tv.poll()).status).toBe(400)
      expect(await beside.store.listSessions(id)).toHaveLength(2)
    },
  }),
  act({
    name: 'a grant that its user takes back',
    async prepare(beside) {
      const made = await withGrant(beside)
      const { accessToken } = await logIn(beside, { email: made.email })
      return { ...made, accessToken }
    },
    act: async (dying, { accessToken }) =>
      isAnswered(await call(dying, { method: 'DELETE', url: '/v1/grants/stranger', headers: bearer(accessToken) })),
    async judge(beside, { page, path, refreshToken }) {
      expect((await refresh(beside, refreshToken, { client: 'stranger' })).body.error).toBe('invalid_grant')
      expect(codeIn(await page.get(path))).toBeNull()
    },
  }),
  onApplications('a sign-out of an application', () => ({ command: 'end_application', client_id: 'stranger' }), false),
  onApplications('a sign-out of one login', ({ familyId }) => ({ command: 'end_login', family_id: familyId }), false),
  onApplications(
    'a grant that is taken back on the page',
    () => ({ command: 'withdraw', client_id: 'stranger' }),
    true,
  ),
]
