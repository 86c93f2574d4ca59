import type { AuditEvent } from '@countersign/core'
import { afterAll, describe, expect, test } from 'vitest'
import {
  apiSecret,
  configuration,
  type Install,
  keep,
  logIn,
  me,
  person,
  refresh,
  revoke,
  signUp,
  tryLogIn,
} from './testing/app-install.ts'
import { codeForm, createHostedBrowser, freshCode, signInHosted } from './testing/hosted-browser.ts'
import { type Answer, basic, bearer, call, callUnlessKilled } from './testing/http-call.ts'
import { feedEntries, killedAtEveryStep } from './testing/killed-at-every-step.ts'
import { createProofKey } from './testing/proof-key.ts'
import { givenInstallation, type Installation, type Surroundings, startServer } from './testing/server-process.ts'
import { wholeAudit, withStore } from './testing/stored-state.ts'

/*
 * kill -9 of the real server at every step of what it does. The kernel keeps what a killed process has written, so this is
 * about order and atomicity; what a loss of power takes back is tested in the store's package.
 */

const apiHeaders = basic('api', apiSecret)
const installations: Installation[] = []

async function givenServer(surroundings: Surroundings = {}) {
  const installed = await givenInstallation(configuration)
  installations.push(installed)
  const server = await startServer(installed, { ...surroundings, faults: true })
  await signUp(installed.issuer)
  return { installed, issuer: installed.issuer, server }
}

afterAll(() => {
  for (const installed of installations) installed.remove()
})

/** What is written once the server has ended: the audit log, whole, and the person's sessions. */
function storedAfter(installed: Installation) {
  return withStore(installed.dataFolder, async store => {
    const audit = await wholeAudit(store)
    const { user } = await store.loadUserByEmail(person.email)
    const count = (event: AuditEvent): number => audit.filter(row => row.record.event === event).length
    return { audit, count, sessions: await store.listSessions(user?.id ?? ''), feed: await store.feed.snapshot() }
  })
}

const commit = ['after RELEASE job', 'after COMMIT', 'before the log is synced', 'after the log is synced']
const answered = ['before the answer is sent', 'after the answer is sent']

async function isActive(issuer: string, { accessToken }: Install): Promise<boolean> {
  const { json } = await call(`${issuer}/introspect`, { headers: apiHeaders, form: { token: accessToken } })
  return json.active === true
}

/** True if it is over for this login: every way of asking must say the same. */
async function isOver(issuer: string, install: Install): Promise<boolean> {
  const active = await isActive(issuer, install)
  const { status } = await me(issuer, install)
  const refreshed = await refresh(issuer, { ...install })
  const named = (await feedEntries(issuer, apiHeaders)).some(
    ({ kind, id }) => kind === 'session' && id === install.sessionId,
  )
  expect({ active, me: status, refresh: refreshed?.status, named }).toEqual(
    named
      ? { active: false, me: 401, refresh: 400, named: true }
      : { active: true, me: 200, refresh: 200, named: false },
  )
  if (named) expect(refreshed?.json.reason).toBe('session_ended')
  return named
}

// Some hundred starts of the server: on a busy machine they take their time.
describe.concurrent('kill -9 at every step of', { timeout: 400_000 }, () => {
  test('a login: it is there whole or not at all, and whole if it was answered', async () => {
    const { installed, issuer, server } = await givenServer()
    const key = createProofKey()
    const acknowledged: Install[] = []
    const result = await killedAtEveryStep(installed, server, {
      prepare: async () => ({ install: undefined as Install | undefined }),
      async act(prepared, headers) {
        prepared.install = (await tryLogIn(issuer, { key }, headers))?.install
        return prepared.install !== undefined
      },
      async judge({ install }) {
        const again = install ?? (await logIn(issuer, { key }))
        expect((await refresh(issuer, again))?.status).toBe(200)
        expect((await me(issuer, again)).status).toBe(200)
        acknowledged.push(again)
      },
    })
    expect(result.steps).toEqual(
      expect.arrayContaining(['after INSERT INTO session', 'after INSERT INTO audit', ...commit, ...answered]),
    )
    await result.server.end('SIGTERM')
    const { count, sessions } = await storedAfter(installed)
    const there = new Set(sessions.map(({ session }) => session.id))
    expect(acknowledged.filter(install => !there.has(install.sessionId))).toEqual([])
    expect(sessions.filter(({ families }) => families.length !== 1)).toEqual([])
    expect(count('session.created')).toBe(sessions.length)
  })

  test.each([
    ['unbound', undefined],
    ['bound', createProofKey()],
  ])('a refresh, %s: the same token again succeeds, and nobody is logged out', async (_kind, key) => {
    const { installed, issuer, server } = await givenServer()
    const install = await logIn(issuer, { key })
    const result = await killedAtEveryStep(installed, server, {
      prepare: async () => install.refreshToken,
      act: async (_presented, headers) => (await refresh(issuer, install, headers))?.status === 200,
      async judge(presented, acknowledged) {
        if (acknowledged) expect(install.refreshToken).not.toBe(presented)
        const retried = await refresh(issuer, { ...install, refreshToken: presented })
        expect([retried?.status, retried?.text]).toEqual([200, expect.stringContaining('refresh_token')])
        const onward = await refresh(issuer, install)
        expect([onward?.status, (await me(issuer, install)).status]).toEqual([200, 200])
      },
    })
    expect(result.steps).toEqual([
      'before the request is read',
      'after BEGIN IMMEDIATE',
      'after UPDATE family',
      'after COMMIT',
      ...answered,
    ])
    await result.server.end('SIGTERM')
    const { count, sessions } = await storedAfter(installed)
    expect(sessions.map(({ session }) => session.id)).toEqual([install.sessionId])
    expect([count('session.created'), count('session.ended'), count('refresh.reused')]).toEqual([1, 0, 0])
  })

  test('a code’s redemption: redeemed once or not yet, and the browser stays signed in', async () => {
    // A second redemption ends what the first gave, unless it comes within 10 s: a start on a busy machine takes longer.
    const surroundings = { environment: { FAULT_SLOW_SINCE: String(Date.now()) } }
    const { installed, issuer, server } = await givenServer(surroundings)
    const browser = createHostedBrowser(issuer)
    await signInHosted(browser)
    const redeem = async ({ code, verifier }: { code: string; verifier: string }, headers = {}) =>
      callUnlessKilled(`${issuer}/token`, { headers, form: codeForm(code, verifier) })
    const familyOf = (answer: Answer): Install => {
      const install = { clientId: 'app', key: undefined, accessToken: '', refreshToken: '', sessionId: '' }
      keep(install, answer)
      return install
    }
    let families = 0
    const result = await killedAtEveryStep(installed, server, {
      surroundings,
      prepare: async () => ({ ...(await freshCode(browser)), answer: undefined as Answer | undefined }),
      async act(prepared, headers) {
        prepared.answer = await redeem(prepared, headers)
        return prepared.answer?.status === 200
      },
      async judge(prepared, acknowledged) {
        const again = await redeem(prepared)
        const good = acknowledged ? prepared.answer : again
        if (acknowledged) expect(again?.json.reason).toBe('code_invalid')
        else if (again?.status !== 200) expect(again?.json.reason).toBe('code_invalid')
        // Lost after the commit: the next code comes without a question.
        const opened = good?.status === 200 ? good : await redeem(await freshCode(browser))
        families += opened === good ? 1 : 2
        expect((await refresh(issuer, familyOf(opened as Answer)))?.status).toBe(200)
      },
    })
    expect(result.steps).toEqual(expect.arrayContaining(['after UPDATE short_lived', ...commit, ...answered]))
    await result.server.end('SIGTERM')
    const { count, sessions } = await storedAfter(installed)
    expect(sessions.length).toBe(1)
    // One browser holds five logins of one application; each further one has ended the oldest, wholly or not at all.
    expect(sessions[0]?.families.length).toBe(5)
    expect([count('family.created'), count('family.ended')]).toEqual([families, families - 5])
    expect([count('code.reused'), count('session.ended')]).toEqual([0, 0])
  })

  test('signing out by /revoke: it took place wholly or not at all', async () => {
    const { installed, issuer, server } = await givenServer()
    const ended = new Set<string>()
    const result = await killedAtEveryStep(installed, server, {
      prepare: () => logIn(issuer),
      act: async (install, headers) => (await revoke(issuer, install, headers))?.status === 200,
      async judge(install, acknowledged) {
        const over = await isOver(issuer, install)
        if (acknowledged) expect(over).toBe(true)
        expect((await revoke(issuer, install))?.status).toBe(200)
        expect(await isOver(issuer, install)).toBe(true)
        ended.add(install.sessionId)
      },
    })
    expect(result.steps).toEqual(
      expect.arrayContaining(['after INSERT INTO entry', 'after INSERT INTO audit', ...commit, ...answered]),
    )
    await result.server.end('SIGTERM')
    const { audit, sessions, feed } = await storedAfter(installed)
    const audited = audit.filter(row => row.record.event === 'session.ended').map(row => row.record.sessionId)
    expect(audited).toEqual([...ended])
    expect(sessions).toEqual([])
    expect(feed.entries.filter(({ kind }) => kind === 'session').map(({ id }) => id)).toEqual([...ended])
  })

  test('“log out everywhere”: all sessions or none', async () => {
    const { installed, issuer, server } = await givenServer()
    let times = 0
    let epoch = 0
    const everywhere = (install: Install, headers: Readonly<Record<string, string>> = {}) =>
      callUnlessKilled(`${issuer}/v1/sessions`, {
        method: 'DELETE',
        headers: { ...bearer(install.accessToken), ...headers },
      })
    const result = await killedAtEveryStep(installed, server, {
      prepare: async () => [await logIn(issuer), await logIn(issuer, { key: createProofKey() })] as const,
      act: async ([one], headers) => (await everywhere(one, headers))?.status === 204,
      async judge([one, other], acknowledged) {
        const living = [await isActive(issuer, one), await isActive(issuer, other)]
        expect(living[0]).toBe(living[1])
        const entry = (await feedEntries(issuer, apiHeaders)).filter(({ kind }) => kind === 'user').at(-1)
        if (living[0]) expect([acknowledged, (await everywhere(one))?.status]).toEqual([false, 204])
        else expect(entry?.below).toBe(epoch + 1)
        epoch = (await feedEntries(issuer, apiHeaders)).filter(({ kind }) => kind === 'user').at(-1)?.below ?? 0
        times += 1
        expect((await refresh(issuer, one))?.json.reason).toBe('authorization_revoked')
        expect((await refresh(issuer, other))?.json.reason).toBe('authorization_revoked')
      },
    })
    expect(result.steps).toEqual(expect.arrayContaining(['after UPDATE user', ...commit, ...answered]))
    await result.server.end('SIGTERM')
    const { count, sessions } = await storedAfter(installed)
    expect(sessions).toEqual([])
    expect(count('sessions.ended')).toBe(times)
  })

  test('noticing a reuse: the login ends on the disk before the refusal goes out', async () => {
    const { installed, issuer, server } = await givenServer()
    let ends = 0
    const result = await killedAtEveryStep(installed, server, {
      async prepare() {
        const install = await logIn(issuer, { clientId: 'strict-app' })
        const stolen = { ...install }
        for (let rotations = 0; rotations < 3; rotations++) await refresh(issuer, install)
        return { install, stolen }
      },
      act: async ({ stolen }, headers) =>
        (await refresh(issuer, stolen, headers))?.json.reason === 'refresh_token_reused',
      async judge({ install, stolen }, acknowledged) {
        if (acknowledged) expect((await refresh(issuer, install))?.json.reason).toBe('refresh_token_reused')
        expect((await refresh(issuer, stolen))?.json.reason).toBe('refresh_token_reused')
        expect([await isActive(issuer, install), (await me(issuer, install)).status]).toEqual([false, 401])
        ends += 1
      },
    })
    expect(result.steps).toEqual(expect.arrayContaining(['after UPDATE family', ...commit, ...answered]))
    await result.server.end('SIGTERM')
    const { count, sessions } = await storedAfter(installed)
    expect([sessions.length, count('refresh.reused')]).toEqual([0, ends])
  })
})
