import { uuidOf } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import {
  asApi,
  basic,
  bearer,
  call,
  get,
  introspect,
  logIn,
  me,
  postForm,
  postJson,
  refresh,
  signUp,
} from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, secrets } from '../testing/given.ts'

afterEach(closeGiven)

const url = '/v1/trusted/sessions'
const external = { client_id: 'bearer-app', user: { external_id: 'crm-17', email: 'maria@example.com', name: 'Maria' } }

describe('a trusted back end opens sessions (A8)', () => {
  test('for a user that it knows under its own id: made at the first time, found afterwards', async () => {
    const to = await given.server()
    const first = await postJson(to, url, { ...external, amr: ['hwk', 'user'] }, asApi)
    expect([first.status, first.headers['cache-control']]).toEqual([201, 'no-store'])
    const claims = (await introspect(to, String(first.body.access_token))).body
    expect(claims).toMatchObject({ amr: ['hwk', 'user'], client_id: 'bearer-app', sid: first.body.session_id })
    expect((await refresh(to, String(first.body.refresh_token))).status).toBe(200)
    const second = await postJson(to, url, external, asApi)
    expect((await introspect(to, String(second.body.access_token))).body.sub).toBe(claims.sub)
  })

  test('for a user by our id', async () => {
    const to = await given.server()
    const id = await signUp(to)
    const answer = await postJson(to, url, { client_id: 'bearer-app', user: { id }, scope: 'notes' }, asApi)
    expect([answer.status, answer.body.scope]).toEqual([201, 'notes'])
    expect((await introspect(to, String(answer.body.access_token))).body.sub).toBe(id)
  })

  test('for a user by the UUID of our id, as clients of another subject_type know them', async () => {
    const to = await given.server()
    const id = await signUp(to)
    const uuid = uuidOf(id)
    const answer = await postJson(to, url, { client_id: 'bearer-app', user: { id: uuid } }, asApi)
    expect((await introspect(to, String(answer.body.access_token))).body.sub).toBe(id)
    const listed = await get(to, `/v1/trusted/users/${uuid.toUpperCase()}/sessions`, asApi)
    expect(listed.body).toEqual((await get(to, `/v1/trusted/users/${id}/sessions`, asApi)).body)
    expect((await get(to, `/v1/trusted/users/${uuid}/grants`, asApi)).status).toBe(200)
    expect(await to.server.admin.showUser(uuid)).toEqual(await to.server.admin.showUser(id))
    expect(await to.server.admin.listUsers(uuid)).toEqual([])
    expect(
      (await call(to, { method: 'DELETE', url: `/v1/trusted/users/${uuid}/sessions`, headers: asApi })).status,
    ).toBe(204)
    expect(await to.store.listSessions(id)).toEqual([])
  })

  test('of fifty first sign-ins at once of one user, one user is made', async () => {
    const to = await given.server()
    const user = { external_id: 'crm-18' }
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => postJson(to, url, { client_id: 'bearer-app', user }, asApi)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    const subjects = await Promise.all(answers.map(({ body }) => introspect(to, String(body.access_token))))
    expect(new Set(subjects.map(({ body }) => body.sub)).size).toBe(1)
  })

  test('never links by address: somebody else has it', async () => {
    const to = await given.server()
    await signUp(to)
    const answer = await postJson(to, url, external, asApi)
    expect([answer.status, answer.body.reason]).toEqual([409, 'external_id_taken'])
  })

  test.each([
    ['an unknown user', { user: { id: 'A'.repeat(22) } }, 404, 'user_unknown'],
    ['an id that is none', { user: { id: "'; DROP TABLE user" } }, 404, 'user_unknown'],
    ['both kinds of id', { user: { id: 'A'.repeat(22), external_id: 'x' } }, 400, 'parameter_invalid'],
    ['an unknown client', { client_id: 'nobody' }, 400, 'client_not_allowed'],
    ['a third party', { client_id: 'stranger' }, 400, 'client_not_allowed'],
    ['a scope beyond the client', { scope: 'admin' }, 400, 'scope_invalid'],
    ['an address that is none', { user: { external_id: 'x', email: 'x' } }, 400, 'email_invalid'],
    ['a name that turns the text', { user: { external_id: 'x', name: '\u202e' } }, 400, 'parameter_invalid'],
    ['a shouted method', { amr: ['PWD"'] }, 400, 'parameter_invalid'],
  ])('refuses %s', async (_name, change, status, reason) => {
    const to = await given.server()
    const before = (await to.audit()).length
    const answer = await postJson(to, url, { ...external, ...change }, asApi)
    expect([answer.status, answer.body.reason]).toEqual([status, reason])
    expect(await to.auditedSince(before)).toEqual([])
  })

  test('a disabled user gets none', async () => {
    const to = await given.server()
    const id = await signUp(to)
    await to.server.admin.disableUser(id)
    const answer = await postJson(to, url, { client_id: 'bearer-app', user: { id } }, asApi)
    expect(answer.body.reason).toBe('user_disabled')
  })
})

describe('a trusted back end sees and ends sessions', () => {
  async function twoSessions() {
    const to = await given.server()
    const id = await signUp(to)
    return { to, id, path: `/v1/trusted/users/${id}/sessions`, first: await logIn(to), second: await logIn(to) }
  }

  const end = (to: GivenServer, path: string) => call(to, { method: 'DELETE', url: path, headers: asApi })

  test('lists them', async () => {
    const { to, path, first } = await twoSessions()
    const sessions = (await get(to, path, asApi)).body.sessions as { id: string; current: boolean }[]
    expect(sessions).toHaveLength(2)
    expect(sessions.map(({ current }) => current)).toEqual([false, false])
    expect(sessions.map(({ id }) => id)).toContain(first.sessionId)
  })

  test('ends one, or all', async () => {
    const { to, path, first, second } = await twoSessions()
    expect((await end(to, `${path}/${first.sessionId}`)).status).toBe(204)
    expect((await me(to, first.accessToken)).body.reason).toBe('token_revoked')
    expect((await me(to, second.accessToken)).status).toBe(200)
    expect((await end(to, path)).status).toBe(204)
    expect((await me(to, second.accessToken)).body.reason).toBe('token_revoked')
    expect((await refresh(to, second.refreshToken)).body.reason).toBe('authorization_revoked')
  })

  test("an unknown user or session, or another user's, is 404", async () => {
    const { to, path, first } = await twoSessions()
    const other = await signUp(to, 'else@example.com')
    const nobody = `/v1/trusted/users/${'A'.repeat(22)}/sessions`
    expect((await get(to, nobody, asApi)).body.reason).toBe('user_unknown')
    expect((await end(to, nobody)).body.reason).toBe('user_unknown')
    expect((await end(to, `${path}/${'A'.repeat(22)}`)).body.reason).toBe('session_unknown')
    const foreign = await end(to, `/v1/trusted/users/${other}/sessions/${first.sessionId}`)
    expect([foreign.status, foreign.body.reason]).toEqual([404, 'session_unknown'])
  })

  test('needs the right: another client, a public one and users do not have it', async () => {
    const { to, path, first } = await twoSessions()
    const machine = { grant_type: 'client_credentials', client_id: 'api', client_secret: secrets.api }
    const token = async (scope: string) => (await postForm(to, '/token', { ...machine, scope })).body.access_token
    const tried: [Record<string, string>, number][] = [
      [{}, 401],
      [basic('web', secrets.web), 400],
      [bearer(first.accessToken), 403],
      [bearer(String(await token('revocations'))), 403],
      [bearer(String(await token('sessions:manage'))), 200],
    ]
    for (const [headers, status] of tried) expect((await get(to, path, headers)).status).toBe(status)
  })
})

test('GHSA-8fpg-xm3f-6cx3: closed, not open: a client without a secret cannot be declared with the rights of a back end, nor any with a redirect URI that runs', async () => {
  const { sampleClients } = await import('../testing/given.ts')
  const app = sampleClients.find(({ id }) => id === 'app')
  if (app === undefined) throw new Error('no client')
  for (const change of [
    { scopes: ['sessions:manage'] },
    { redirectUris: ['javascript:alert(1)'] },
    { redirectUris: ['https://a.example/#x'] },
  ]) {
    await expect(given.server({ clients: [{ ...app, ...change }] })).rejects.toThrow(/^The client 'app'/)
  }
})
