import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { apiSecret, givenApi, givenServer, post, reportsSecret } from './testing/given.ts'

let server: Awaited<ReturnType<typeof givenServer>>
let token: string

beforeAll(async () => {
  server = await givenServer()
  const login = { email: 'reader@example.com', password: 'a password for the documentation' }
  await post(`${server.issuer}/v1/users`, login)
  token = (await post(`${server.issuer}/v1/sessions`, { ...login, client_id: 'notes-app' })).body.access_token ?? ''
})

afterAll(() => server.close())

describe.each(['express-api.ts', 'fastify-api.ts', 'hono-api.ts', 'node-api.ts'])('%s', file => {
  test('answers who has a token, and says why it refuses who has a bad one', async () => {
    const api = await givenApi(file, server.issuer)
    try {
      const good = await fetch(api.url, { headers: { authorization: `Bearer ${token}` } })
      expect(good.status).toBe(200)
      expect(await good.json()).toMatchObject({ owner: expect.stringMatching(/^[\w-]{22}$/), notes: [] })
      const bad = await fetch(api.url, { headers: { authorization: `Bearer ${token.slice(0, -3)}AAA` } })
      expect(bad.status).toBe(401)
      expect(bad.headers.get('countersign-reason')).toBe('signature_invalid')
    } finally {
      await api.end()
    }
  })
})

describe('express-api.ts', () => {
  test('is the code of fifteen lines that protects an existing API, and a session ended anywhere is refused by it', async () => {
    const api = await givenApi('express-api.ts', server.issuer)
    try {
      const login = { email: 'leaver@example.com', password: 'a password for the documentation' }
      await post(`${server.issuer}/v1/users`, login)
      const { body } = await post(`${server.issuer}/v1/sessions`, { ...login, client_id: 'notes-app' })
      const authorization = `Bearer ${body.access_token}`
      expect((await fetch(api.url, { headers: { authorization } })).status).toBe(200)
      await fetch(`${server.issuer}/v1/sessions/${body.session_id}`, { method: 'DELETE', headers: { authorization } })
      const refusal = async () =>
        (await fetch(api.url, { headers: { authorization } })).headers.get('countersign-reason')
      await expect.poll(refusal).toBe('token_revoked')
    } finally {
      await api.end()
    }
  })
})

test('by-hand.ts finds the owner of a token, and throws the reason for a bad one', async () => {
  vi.stubEnv('ISSUER', server.issuer)
  const { ownerOf } = await import('./by-hand.ts')
  expect(await ownerOf(token)).toMatch(/^[\w-]{22}$/)
  await expect(ownerOf('nonsense')).rejects.toThrow('refused: token_malformed')
})

test('machine.ts reads the notes with one machine token, and trusted.ts opens a session for a known customer', async () => {
  const api = await givenApi('node-api.ts', server.issuer)
  vi.stubEnv('ISSUER', server.issuer)
  vi.stubEnv('CLIENT_SECRET', reportsSecret)
  vi.stubEnv('NOTES_API', new URL(api.url).origin)
  try {
    const { readNotes } = await import('./machine.ts')
    expect(await readNotes()).toEqual({ owner: 'reports', notes: [] })
    const { openSession } = await import('./trusted.ts')
    expect(await openSession('customer 4711')).toContain('cs_rt_')
  } finally {
    await api.end()
  }
})

test('app-account.ts makes an account, signs in, changes the password, and says why not', async () => {
  const { choose, createApp, join } = await import('./app-account.ts')
  const countersign = createApp(server.issuer)
  const [email, before, after] = ['joiner@example.com', 'a password for the documentation', 'and another one after it']
  expect(await join(countersign, email, before)).toBe('signed in')
  expect(await choose(countersign, after, before)).toBe('login_failed')
  expect(await choose(countersign, before, after)).toBe('changed')
  expect(await countersign.getToken()).toMatch(/^ey/)
  await countersign.signOut()
  expect(await join(countersign, email, after)).toBe('email_taken')
  countersign.close()
})

test('verifier-options.ts follows the feed, and asks the server where that is wanted', async () => {
  vi.stubEnv('ISSUER', server.issuer)
  vi.stubEnv('API_SECRET', apiSecret)
  const { notes, verifier, wipe } = await import('./verifier-options.ts')
  const request = (): Request =>
    new Request('https://api.example.com/notes', { headers: { authorization: `Bearer ${token}` } })
  expect(await verifier.ready()).toBe(true)
  const answer = await notes(request())
  expect(await answer.json()).toEqual({ owner: expect.stringMatching(/^[\w-]{22}$/), stale: false })
  expect((await wipe(request())).status).toBe(204)
  expect((await wipe(new Request('https://api.example.com/notes'))).headers.get('countersign-reason')).toBe(
    'token_missing',
  )
  verifier.close()
})
