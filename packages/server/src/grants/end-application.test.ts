import type { AuditEvent, Client } from '@countersign/core'
import type { Store } from '@countersign/store'
import { afterEach, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { asApi, authorization, call, introspect, redeem, refresh } from '../testing/calls.ts'
import { closeGiven, given, issuer, sampleClients } from '../testing/given.ts'
import { orchard, orchardCallback } from '../testing/orchard.ts'

afterEach(closeGiven)

const usual = ['openid', 'account', 'notes']

/** An application that its user is signed in to, and that refreshes each time that what it is to be ended by is about to be committed. */
async function givenRefreshing(
  endedBy: AuditEvent,
  { offline = true, ...more }: Partial<Client> & { offline?: boolean } = {},
) {
  let meanwhile: (() => Promise<unknown>) | undefined
  const wrapStore = (store: Store): Store => ({
    ...store,
    async commit(change) {
      if (change.audit.some(({ event }) => event === endedBy)) await meanwhile?.()
      return store.commit(change)
    },
  })
  const scopes = offline ? [...usual, 'offline_access'] : usual
  const application = { ...orchard({ scopes, defaultScopes: scopes }), ...more }
  const to = await given.server({ wrapStore, clients: [...sampleClients, application] })
  const page = browser(to)
  await page.signUp()
  const asked = { client_id: 'orchard', redirect_uri: orchardCallback, scope: scopes.join(' ') }
  const { path, verifier } = authorization(asked)
  const { parameters } = await page.follow(path)
  const key = to.key()
  const form = {
    code: String(parameters.get('code')),
    code_verifier: verifier,
    client_id: 'orchard',
    redirect_uri: orchardCallback,
  }
  let { body } = await redeem(to, form, { dpop: key.proof('POST', `${issuer}/token`) })
  let rotations = 0
  meanwhile = async () => {
    const answer = await refresh(to, String(body.refresh_token), { client: 'orchard', key })
    expect(answer.status).toBe(200)
    body = { ...body, ...answer.body }
    rotations++
    await to.later(600)
  }
  const userId = (await to.store.loadUserByEmail('maria@example.com')).user?.id ?? ''
  return {
    to,
    page,
    userId,
    rotations: () => rotations,
    async expectEnded() {
      expect((await introspect(to, String(body.access_token))).body).toEqual({ active: false })
      const late = await refresh(to, String(body.refresh_token), { client: 'orchard', key })
      expect(late.body.error).toBe('invalid_grant')
      expect(await to.store.listSessions(userId)).toMatchObject([{ families: [] }])
    },
  }
}

test.each(['public', 'pairwise'] as const)(
  'an application (sub: %s) that refreshes each time that a withdrawal is about to be committed does not keep it from being made',
  async subjectType => {
    const { to, userId, rotations, expectEnded } = await givenRefreshing('grant.withdrawn', { subjectType })
    const url = `/v1/trusted/users/${userId}/grants/orchard`
    const answer = await call(to, { method: 'DELETE', url, headers: asApi })
    expect([answer.status, rotations()]).toEqual([204, 1])
    await expectEnded()
  },
)

test.each([
  ['with the permission of its user, in their browser', 'family.ended', { offline: false }],
  ['that need not ask, in the browser of its user', 'family.ended', { offline: false, consent: 'implied' }],
  ['with offline access', 'session.ended', {}],
] as const)(
  'an application (%s) that refreshes each time that its end is about to be committed does not keep its user from signing out of it',
  async (_which, endedBy, more) => {
    const { page, rotations, expectEnded } = await givenRefreshing(endedBy, more)
    const path = '/account/applications'
    const answer = await page.submit(path, { command: 'end_application', client_id: 'orchard' })
    expect([answer.headers.location, rotations()]).toEqual([`${path}?done=end_application`, 1])
    await expectEnded()
  },
)
