import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test } from 'vitest'
import {
  apiSecret,
  configuration,
  type Install,
  logIn,
  me,
  refresh,
  revoke,
  signUp,
  tryLogIn,
} from './testing/app-install.ts'
import { type Answer, basic, call } from './testing/http-call.ts'
import { createProofKey } from './testing/proof-key.ts'
import { givenInstallation, type Installation, type Running, startServer } from './testing/server-process.ts'
import { wholeAudit, withStore } from './testing/stored-state.ts'

const installations: Installation[] = []

afterAll(() => {
  for (const installed of installations) installed.remove()
})

async function givenLogins() {
  const installed = await givenInstallation(configuration)
  installations.push(installed)
  const server = await startServer(installed, { faults: true })
  await signUp(installed.issuer)
  return {
    installed,
    issuer: installed.issuer,
    server,
    installs: [await logIn(installed.issuer), await logIn(installed.issuer, { key: createProofKey() })],
  }
}

const fault = (issuer: string, name: string): Promise<Answer> => call(`${issuer}/health`, { headers: { fault: name } })

/** What breaks outside is 503, says when to try again, and is no judgement on anybody's login. */
function expectUnavailable(answer: Answer | undefined): void {
  expect([answer?.status, answer?.json.error, answer?.json.reason]).toEqual([
    503,
    'temporarily_unavailable',
    'unavailable',
  ])
  expect(Number(answer?.headers['retry-after'])).toBeGreaterThan(0)
}

async function everyoneIsThere(issuer: string, installs: readonly Install[]): Promise<void> {
  for (const install of installs) {
    expect((await refresh(issuer, install))?.status).toBe(200)
    expect((await me(issuer, install)).status).toBe(200)
  }
}

async function endsInOrder(installed: Installation, server: Running, logins: number): Promise<void> {
  expect((await server.end('SIGTERM')).code).toBe(0)
  await withStore(installed.dataFolder, async store => {
    const created = (await wholeAudit(store)).filter(({ record }) => record.event === 'session.created')
    expect(created.length).toBe(logins)
  })
}

/** Logs in until the disk is full; what was acknowledged is returned. */
async function logInUntilRefused(issuer: string): Promise<{ acknowledged: Install[]; refused: Answer | undefined }> {
  const acknowledged: Install[] = []
  for (;;) {
    const { answer, install } = (await tryLogIn(issuer)) ?? {}
    if (answer?.status !== 201) return { acknowledged, refused: answer }
    acknowledged.push(install as Install)
  }
}

test('a full disk: 503 with Retry-After, nothing acknowledged is lost, and it goes on when there is room again', async () => {
  const { installed, issuer, server, installs } = await givenLogins()
  await fault(issuer, 'disk-full')
  const { acknowledged, refused } = await logInUntilRefused(issuer)
  expectUnavailable(refused)
  expect(server.output()).toContain('the disk is full')
  // What needs no room goes on: nobody is logged out meanwhile.
  await everyoneIsThere(issuer, [...installs, ...acknowledged])

  await fault(issuer, 'disk-free')
  const later = await logIn(issuer)
  await everyoneIsThere(issuer, [...installs, ...acknowledged, later])
  await endsInOrder(installed, server, installs.length + acknowledged.length + 1)
})

test('a log that the system refuses to let grow: 503, and the next start, with room, has everything', async () => {
  const { installed, issuer, server, installs } = await givenLogins()
  await server.end('SIGTERM')
  // In blocks of 512 bytes: room for the database as it is and a little log. Nobody can write more to any file.
  const narrow = await startServer(installed, { shell: 'ulimit -S -f 400' })
  const { acknowledged, refused } = await logInUntilRefused(issuer)
  expect(acknowledged.length).toBeGreaterThan(0)
  expectUnavailable(refused)
  expectUnavailable(await refresh(issuer, { ...(installs[0] as Install) }))
  expect((await me(issuer, installs[0] as Install)).status).toBe(200)
  await narrow.end('SIGKILL')

  const server2 = await startServer(installed)
  await everyoneIsThere(issuer, [...installs, ...acknowledged])
  await endsInOrder(installed, server2, installs.length + acknowledged.length)
})

test('a database that another program has locked: 503 while it does, and on it goes', async () => {
  const { installed, issuer, server, installs } = await givenLogins()
  const other = new DatabaseSync(join(installed.dataFolder, 'countersign.sqlite'))
  other.exec('BEGIN IMMEDIATE')
  expectUnavailable((await tryLogIn(issuer))?.answer)
  for (const install of installs) expectUnavailable(await refresh(issuer, install))
  expectUnavailable(await revoke(issuer, installs[0] as Install))
  for (const install of installs) expect((await me(issuer, install)).status).toBe(200)
  other.exec('ROLLBACK')
  other.close()
  await everyoneIsThere(issuer, installs)
  await endsInOrder(installed, server, installs.length)
})

test('a disk that takes its time: who must wait for it waits, everybody else is answered', async () => {
  const { installed, issuer, server, installs } = await givenLogins()
  const [one, other] = installs as [Install, Install]
  await fault(issuer, 'sync-hold')
  let answers = 0
  const waiting = [tryLogIn(issuer), revoke(issuer, one)].map(promise => promise.finally(() => (answers += 1)))
  // Rotations do not wait for the disk; nor do checks, introspection and the feed.
  for (let times = 0; times < 50; times++) expect((await refresh(issuer, other))?.status).toBe(200)
  const api = basic('api', apiSecret)
  expect((await call(`${issuer}/introspect`, { headers: api, form: { token: other.accessToken } })).json.active).toBe(
    true,
  )
  expect((await call(`${issuer}/revocations`, { headers: api })).json.entries).toEqual([])
  expect(answers).toBe(0)
  await fault(issuer, 'sync-release')
  const [login, revoked] = await Promise.all(waiting)
  expect(login).toMatchObject({ answer: { status: 201 } })
  expect(revoked).toMatchObject({ status: 200 })
  expect((await refresh(issuer, one))?.json.reason).toBe('session_ended')
  await endsInOrder(installed, server, 3)
})

test('a disk that fails to sync: nothing is promised, the process ends and says so, the next start has all that was', async () => {
  const { installed, issuer, server, installs } = await givenLogins()
  await fault(issuer, 'sync-fail')
  const attempt = await tryLogIn(issuer)
  if (attempt !== undefined) expectUnavailable(attempt.answer)
  const { code, stderr } = await server.ended
  expect([code, stderr]).toEqual([1, expect.stringContaining('the disk failed to keep what was written')])
  const again = await startServer(installed)
  await everyoneIsThere(issuer, [...installs, await logIn(issuer)])
  expect((await again.end('SIGTERM')).code).toBe(0)
})
