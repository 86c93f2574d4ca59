import { isRefusal } from '@countersign/protocol'
import { brokenAuditRow } from '@countersign/store'
import { afterEach, describe, expect, test } from 'vitest'
import type { AuditView } from '../audit/read-audit.ts'
import { browser } from '../testing/browser.ts'
import { introspect, logIn, me, postJson, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, given, password } from '../testing/given.ts'

afterEach(closeGiven)

describe('users disable | enable | delete, on a running server', () => {
  test('disable: every session, refresh and access token is dead at once, and stays so after enable', async () => {
    const to = await given.server()
    const id = await signUp(to)
    const [login, bound] = [await logIn(to), await logIn(to, { client: 'app', key: to.key() })]
    const page = browser(to)
    await page.signIn()
    const before = (await to.audit()).length
    expect(await to.server.admin.disableUser(id)).toEqual({ id, done: 'disabled', sessions_ended: 3 })
    expect(await to.auditedSince(before)).toEqual(['user.disabled'])
    for (const { accessToken } of [login, bound]) {
      expect((await introspect(to, accessToken)).body).toEqual({ active: false })
    }
    expect((await refresh(to, login.refreshToken)).body.reason).toBe('user_disabled')
    expect((await page.get('/account')).status).toBe(303)
    expect((await to.store.feed.snapshot()).entries).toMatchObject([{ kind: 'user', id, below: 2 }])
    await to.server.admin.enableUser('MARIA@example.com')
    expect((await refresh(to, login.refreshToken)).body.reason).toBe('authorization_revoked')
    expect((await me(to, login.accessToken)).body.reason).toBe('token_revoked')
    expect((await me(to, (await logIn(to)).accessToken)).status).toBe(200)
  })

  test('CVE-2026-8922: of two limits the earlier does not hide the later: what came between them is dead too', async () => {
    const to = await given.server()
    const id = await signUp(to)
    const first = await logIn(to)
    await to.server.admin.disableUser(id)
    await to.server.admin.enableUser(id)
    const second = await logIn(to)
    await to.server.admin.disableUser(id)
    await to.server.admin.enableUser(id)
    const third = await logIn(to)
    for (const { accessToken } of [first, second]) expect((await me(to, accessToken)).body.reason).toBe('token_revoked')
    expect((await me(to, third.accessToken)).status).toBe(200)
    const { entries } = await to.store.feed.snapshot()
    expect(entries.map(entry => ('below' in entry ? entry.below : 0))).toEqual([2, 3])
  })

  test('delete: the person is gone from the store, the address is free again, the audit log stays whole', async () => {
    const to = await given.server()
    const id = await signUp(to)
    const login = await logIn(to)
    await to.server.admin.deleteUser(id)
    const { user } = await to.store.loadUser(id)
    expect(user).toMatchObject({ email: null, name: null, passwordHash: null, sealSalt: null })
    const { session } = (await to.store.loadSession(login.sessionId)) ?? {}
    expect(session?.device).toEqual({ label: '', ip: '' })
    expect((await refresh(to, login.refreshToken)).body.reason).toBe('user_disabled')
    expect((await me(to, login.accessToken)).body.reason).toBe('token_revoked')
    const gone = await postJson(to, '/v1/sessions', { email: 'maria@example.com', password, client_id: 'bearer-app' })
    expect(gone.body.reason).toBe('login_failed')
    expect(await signUp(to)).not.toBe(id)
    expect(await to.server.admin.enableUser(id)).toMatchObject({ reason: 'user_unknown' })
  })

  test('show: who it is, where they are signed in, and how they come in', async () => {
    const to = await given.server()
    const id = await signUp(to)
    const { sessionId } = await logIn(to)
    const view = { id, email: 'maria@example.com', state: 'active', ways_in: ['password'] }
    expect(await to.server.admin.showUser('MARIA@example.com')).toMatchObject({
      ...view,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      sessions: [{ id: sessionId, clients: ['bearer-app'], created_at: expect.any(String) }],
    })
    expect(await to.server.admin.deleteUser(id)).toEqual({ id, done: 'deleted', sessions_ended: 1 })
    expect(await to.server.admin.showUser(id)).toMatchObject({ reason: 'user_unknown' })
  })

  test('who is not there is unknown', async () => {
    const to = await given.server()
    for (const who of ['nobody@example.com', 'A'.repeat(22), '', 'x', '__proto__']) {
      expect(await to.server.admin.disableUser(who)).toMatchObject({ refused: true, reason: 'user_unknown' })
    }
  })
})

describe('the audit log for the operator (H4)', () => {
  test('is whole, in order, and opens address and device, until the person is deleted', async () => {
    const to = await given.server()
    const id = await signUp(to)
    await logIn(to)
    const read = async (after: number): Promise<readonly AuditView[]> => {
      const rows = await to.server.admin.readAudit(after)
      if (isRefusal(rows)) throw new Error(rows.reason)
      return rows
    }
    const rows = await read(0)
    expect(rows.map(({ number }) => number)).toEqual(rows.map((_row, index) => index + 1))
    expect(brokenAuditRow(rows)).toBeUndefined()
    const login = rows.find(({ record }) => record.event === 'session.created')
    expect(login).toMatchObject({ record: { userId: id }, personal: { ip: '127.0.0.1' } })
    const sealed = Buffer.from(String(login?.sealedPersonal), 'base64url').toString('latin1')
    expect(`${login?.sealedPersonal} ${sealed}`).not.toContain('127.0.0.1')
    expect(await read(rows.length)).toEqual([])
    expect(await read(rows.length - 1)).toEqual(rows.slice(-1))

    await to.server.admin.deleteUser(id)
    const erased = await read(0)
    expect(erased.map(({ personal }) => personal)).toEqual(erased.map(() => null))
    expect(erased.slice(0, rows.length).map(({ hash }) => hash)).toEqual(rows.map(({ hash }) => hash))
  })
})
