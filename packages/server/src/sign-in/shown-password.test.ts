import { afterEach, expect, test } from 'vitest'
import { PasswordQueueFull } from '../passwords/password-hasher.ts'
import { browser } from '../testing/browser.ts'
import { asApi, bearer, logIn, postJson, refresh } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given, password, sampleClients } from '../testing/given.ts'
import { mailingServer } from '../testing/mailing.ts'
import { importedHashes, importedUser, userOf } from '../testing/races-of-imported.ts'

afterEach(closeGiven)

const change = { current_password: password, new_password: 'a better horse battery' }

async function trustedLogin(to: GivenServer, id: string): Promise<{ accessToken: string; refreshToken: string }> {
  const { body } = await postJson(to, '/v1/trusted/sessions', { client_id: 'bearer-app', user: { id } }, asApi)
  return { accessToken: String(body.access_token), refreshToken: String(body.refresh_token) }
}

/** A server that lets something else happen right before the next hash that it makes, if it is of this password. */
async function besideHashOf(awaited: string) {
  let beside: (() => Promise<unknown>) | undefined
  const to = await given.server({
    wrapHasher: hasher => ({
      ...hasher,
      async hash(text, more) {
        const between = beside
        beside = undefined
        if (text === awaited) await between?.()
        return hasher.hash(text, more)
      },
    }),
  })
  return {
    to,
    happens(act: () => Promise<unknown>) {
      beside = act
    },
  }
}

test.each(Object.entries(importedHashes))(
  'a hash of %s is good for a sign-in, and one of ours afterwards',
  async (_name, hash) => {
    const to = await given.server()
    const id = await importedUser(to, hash)
    const wrong = { email: 'maria@example.com', password: 'another horse battery', client_id: 'bearer-app' }
    expect((await postJson(to, '/v1/sessions', wrong)).body.reason).toBe('login_failed')
    expect((await userOf(to, id)).passwordHash).toBe(hash)
    await logIn(to)
    expect((await userOf(to, id)).passwordHash).toMatch(/^\$argon2id\$/)
    expect((await postJson(to, '/v1/sessions', wrong)).body.reason).toBe('login_failed')
    await logIn(to)
  },
)

test('the upgrade on the hosted page ends no session, and no mail tells of it', async () => {
  const { to, post, sendMails } = await mailingServer()
  const id = await importedUser(to)
  const elsewhere = await trustedLogin(to, id)
  const page = browser(to)
  await page.signIn()
  expect((await userOf(to, id)).passwordHash).toMatch(/^\$argon2id\$/)
  expect((await page.get('/account')).status).toBe(200)
  expect((await refresh(to, elsewhere.refreshToken)).status).toBe(200)
  await sendMails()
  expect(new Set(post.mails.map(({ headers }) => headers.subject))).toEqual(new Set(['New sign-in to Sample']))
})

test('a login by a client whose tokens name users otherwise writes the user’s row once', async () => {
  const clients = sampleClients.map(one => ({ ...one, subjectType: 'connection' as const }))
  const to = await given.server({ clients })
  const id = await importedUser(to)
  await logIn(to)
  expect(await userOf(to, id)).toMatchObject({ version: 2, passwordHash: expect.stringMatching(/^\$argon2id\$/) })
})

test('a new password is taken though a sign-in upgrades the old one’s hash beside it', async () => {
  const { to, happens } = await besideHashOf(change.new_password)
  const id = await importedUser(to)
  const { accessToken } = await trustedLogin(to, id)
  happens(() => logIn(to))
  expect((await postJson(to, '/v1/password', change, bearer(accessToken))).status).toBe(200)
  const wanted = { email: 'maria@example.com', client_id: 'bearer-app' }
  expect((await postJson(to, '/v1/sessions', { ...wanted, password })).body.reason).toBe('login_failed')
  expect((await postJson(to, '/v1/sessions', { ...wanted, password: change.new_password })).status).toBe(201)
})

test('a sign-in that upgrades never brings back a password that was changed beside it', async () => {
  const { to, happens } = await besideHashOf(password)
  const id = await importedUser(to)
  const { accessToken } = await trustedLogin(to, id)
  happens(() => postJson(to, '/v1/password', change, bearer(accessToken)))
  const login = { email: 'maria@example.com', client_id: 'bearer-app' }
  expect((await postJson(to, '/v1/sessions', { ...login, password })).body.reason).toBe('login_failed')
  expect((await postJson(to, '/v1/sessions', { ...login, password: change.new_password })).status).toBe(201)
})

test('where there is no time for it now, the sign-in succeeds and the next one upgrades', async () => {
  let isFull = true
  const to = await given.server({
    wrapHasher: hasher => ({
      ...hasher,
      hash: (text, more) => (isFull ? Promise.reject(new PasswordQueueFull()) : hasher.hash(text, more)),
    }),
  })
  const id = await importedUser(to)
  await logIn(to)
  expect((await userOf(to, id)).passwordHash).toBe(importedHashes.bcrypt)
  isFull = false
  await logIn(to)
  expect((await userOf(to, id)).passwordHash).toMatch(/^\$argon2id\$/)
})

test('what was imported costs every sign-in, of known and unknown addresses alike', async () => {
  const asked: unknown[] = []
  const to = await given.server({
    wrapHasher: hasher => ({
      ...hasher,
      verify(text, hash, more) {
        asked.push(more?.importedWork)
        return hasher.verify(text, hash, more)
      },
    }),
  })
  await importedUser(to)
  const { issuer, now } = await to.store.loadIssuer()
  const importedWork = { bcrypt: 32 }
  const row = { ...issuer, importedWork }
  await to.store.commit({ writes: [{ table: 'issuer', row }], audit: [], entries: [], durable: true, time: now })
  for (const email of ['maria@example.com', 'nobody@example.com', 'no address'])
    await postJson(to, '/v1/sessions', { email, password: 'another horse battery', client_id: 'bearer-app' })
  expect(asked).toEqual([importedWork, importedWork, importedWork])
})
