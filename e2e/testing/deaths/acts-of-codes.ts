import { expect } from 'vitest'
import {
  type Answer,
  authorization,
  bearer,
  call,
  logIn,
  redeem,
  refresh,
} from '../../../packages/server/src/testing/calls.ts'
import type { GivenServer } from '../../../packages/server/src/testing/given.ts'
import { push } from '../../../packages/server/src/testing/pushed.ts'
import { act, type DeadlyAct, isAnswered, isRefusedAs } from './dying.ts'
import { familyOf, onNode, signedIn } from './people.ts'

const redirect_uri = 'https://stranger.example/callback'

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
      return { ...made, familyId: (await familyOf(beside, made.id)).id }
    },
    act: async (dying, made) => isAnswered(await onNode(dying, made.page).submit(applications, fields(made))),
    async judge(beside, { page, path, refreshToken }) {
      expect((await refresh(beside, refreshToken, { client: 'stranger' })).body.error).toBe('invalid_grant')
      // What was allowed stands, unless that was taken back.
      expect(codeIn(await page.get(path)) === null).toBe(isWithdrawn)
    },
  })

/** What leads to codes, what they give, and the grants under which it is given. */
export const actsOfCodes: readonly DeadlyAct[] = [
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
