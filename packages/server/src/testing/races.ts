import { createMemoryStore, type Store, type StoreOptions } from '@countersign/store'
import { expect, test } from 'vitest'
import { type Answer, bearer, call, get, logIn, postForm, postJson, refresh, signUp } from './calls.ts'
import { given, password } from './given.ts'
import { racesOfCodes } from './races-of-codes.ts'
import { racesOfImported } from './races-of-imported.ts'
import { racesOfMints } from './races-of-mints.ts'
import { racesOfSingleUse } from './races-of-single-use.ts'

/** Fifty at once through the whole server: what must hold on every store. */
export function racesOver(openStore?: (options: StoreOptions) => Promise<Store>): void {
  racesOfSingleUse(openStore)
  racesOfCodes(openStore)
  racesOfImported(openStore)
  racesOfMints(async options => {
    const store = openStore ? await openStore(options) : createMemoryStore(options)
    return [store, store]
  })
  const server = () => given.server(openStore ? { openStore } : {})
  const fifty = <T>(run: (index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: 50 }, (_, index) => run(index)))
  const statuses = (answers: readonly Answer[], status: number): number =>
    answers.filter(answer => answer.status === status).length

  test('attack 16 (CVE-2026-1035, GHSA-392p-2q2v-4372): of fifty refreshes with a bound token one rotates, and all are answered alike', async () => {
    const to = await server()
    await signUp(to)
    const key = to.key()
    const { refreshToken } = await logIn(to, { client: 'app', key })
    const answers = await fifty(() => refresh(to, refreshToken, { client: 'app', key }))
    expect(statuses(answers, 200)).toBe(50)
    const rows = answers.map(({ headers }) => headers['countersign-refresh-row'])
    expect(rows.filter(row => row === '5')).toHaveLength(1)
    expect(rows.filter(row => row === '7')).toHaveLength(49)
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
  })

  test('attack 16: of fifty refreshes with an unbound token one rotates, the others are replays within the grace', async () => {
    const to = await server()
    await signUp(to)
    const { refreshToken } = await logIn(to)
    await to.later(60)
    const answers = await fifty(() => refresh(to, refreshToken))
    expect(statuses(answers, 200)).toBe(50)
    const rows = answers.map(({ headers }) => headers['countersign-refresh-row'])
    expect([rows.filter(row => row === '5').length, rows.filter(row => row === '8').length]).toEqual([1, 49])
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
  })

  test('of fifty thieves with a spent token each is refused, and the login ends once', async () => {
    const to = await server()
    await signUp(to)
    const { refreshToken } = await logIn(to)
    const later = async (token: string): Promise<string> => {
      await to.later(60)
      return String((await refresh(to, token)).body.refresh_token)
    }
    const current = await later(await later(refreshToken))
    const before = (await to.audit()).length
    const answers = await fifty(() => refresh(to, refreshToken))
    expect(new Set(answers.map(({ body }) => body.reason))).toEqual(new Set(['refresh_token_reused']))
    expect(await to.auditedSince(before)).toEqual(['refresh.reused'])
    expect((await refresh(to, current)).body.reason).toBe('refresh_token_reused')
  })

  test('of fifty revocations of one access token one is written, and its login lives', async () => {
    const to = await server()
    await signUp(to)
    const { accessToken: token, refreshToken } = await logIn(to)
    const before = (await to.audit()).length
    // Beside each other in two nodes: each knows only what it does itself.
    const node = await given.server({ openStore: async () => to.store, closesStore: false })
    node.setClock(to.now())
    const answers = await fifty(index => postForm(index % 2 ? to : node, '/revoke', { token, client_id: 'bearer-app' }))
    expect(statuses(answers, 200)).toBe(50)
    expect(await to.auditedSince(before)).toEqual(['token.revoked'])
    const { entries } = await to.store.feed.snapshot()
    expect(entries.filter(({ kind }) => kind === 'token')).toHaveLength(1)
    expect((await refresh(to, refreshToken)).status).toBe(200)
  })

  test('of ten logins that supersede one session all succeed, and it ends once', async () => {
    const to = await server()
    await signUp(to)
    const first = await logIn(to)
    const before = (await to.audit()).length
    await Promise.all(Array.from({ length: 10 }, () => logIn(to, { supersedes: first.refreshToken })))
    const events = await to.auditedSince(before)
    expect(events.filter(event => event === 'session.ended')).toHaveLength(1)
    expect(events.filter(event => event === 'session.created')).toHaveLength(10)
  })

  test('of fifty sign-ups with one address one makes a user', async () => {
    const to = await server()
    const answers = await fifty(() => postJson(to, '/v1/users', { email: 'maria@example.com', password }))
    expect([statuses(answers, 201), statuses(answers, 409)]).toEqual([1, 49])
  })

  test('of fifty ends of all sessions all succeed, and it happened once', async () => {
    const to = await server()
    await signUp(to)
    const { accessToken } = await logIn(to)
    const before = (await to.audit()).length
    const answers = await fifty(() => call(to, { method: 'DELETE', url: '/v1/sessions', headers: bearer(accessToken) }))
    for (const { status, body } of answers) expect([204, 401]).toContain(body.reason === 'token_revoked' ? 401 : status)
    expect(statuses(answers, 204)).toBeGreaterThan(0)
    expect(await to.auditedSince(before)).toEqual(['sessions.ended'])
  })

  test('of fifty times the same session ending all others all succeed, and it lives', async () => {
    const to = await server()
    await signUp(to)
    const [mine, other] = [await logIn(to), await logIn(to)]
    const request = { method: 'DELETE', url: '/v1/sessions?except=current', headers: bearer(mine.accessToken) } as const
    const answers = await fifty(() => call(to, request))
    for (const { status, body } of answers) expect([204, 401]).toContain(body.reason === 'token_revoked' ? 401 : status)
    expect((await refresh(to, mine.refreshToken)).status).toBe(200)
    expect((await refresh(to, other.refreshToken)).body.reason).toBe('authorization_revoked')
  })

  test('of ten who each end all other sessions at once one is left, or none', async () => {
    const to = await server()
    await signUp(to)
    const logins = await Promise.all(Array.from({ length: 10 }, () => logIn(to)))
    const url = '/v1/sessions?except=current'
    const answers = await Promise.all(
      logins.map(({ accessToken }) => call(to, { method: 'DELETE', url, headers: bearer(accessToken) })),
    )
    for (const { status } of answers) expect(status).toBeLessThan(500)
    const alive = await Promise.all(logins.map(({ refreshToken }) => refresh(to, refreshToken)))
    expect(statuses(alive, 200)).toBe(1)
  })

  test('attack 19: refreshes beside an end of all sessions: whatever they got is dead', async () => {
    const to = await server()
    await signUp(to)
    const key = to.key()
    const bound = await logIn(to, { client: 'app', key })
    const { accessToken } = await logIn(to)
    const [answers, ended] = await Promise.all([
      fifty(() => refresh(to, bound.refreshToken, { client: 'app', key })),
      call(to, { method: 'DELETE', url: '/v1/sessions', headers: bearer(accessToken) }),
    ])
    expect(ended.status).toBe(204)
    for (const { status, body } of answers)
      expect([status, body.reason]).toEqual(status === 200 ? [200, undefined] : [400, 'authorization_revoked'])
    expect((await refresh(to, bound.refreshToken, { client: 'app', key })).body.reason).toBe('authorization_revoked')
    const again = await logIn(to)
    expect((await get(to, '/v1/me', bearer(again.accessToken))).status).toBe(200)
  })
}
