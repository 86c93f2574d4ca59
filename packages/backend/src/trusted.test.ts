import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { CallFailure } from './call-failure.ts'
import { createMachineTokens } from './machine-tokens.ts'
import type { Answer, Arrived } from './testing/http-server.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'
import { createTrusted, type Trusted } from './trusted.ts'

let issuer: TestIssuer
afterEach(() => issuer[Symbol.asyncDispose]())

async function givenTrusted(respond: (request: Arrived) => Answer): Promise<Trusted> {
  issuer = await startIssuer({ respond })
  const tokens = createMachineTokens({ issuer: issuer.address, clientId: 'back-end', clientSecret: 'quiet' })
  return createTrusted({ tokens })
}

const lastCall = (): Arrived | undefined => issuer.arrived.findLast(({ path }) => path !== '/token')

describe('what is sent', () => {
  test('a session for a user of ours, with a token of the scope that it takes', async () => {
    const answer = { access_token: 'a', token_type: 'Bearer', expires_in: 900, server_time: 1, session_id: 's' }
    const trusted = await givenTrusted(() => ({ status: 201, body: answer }))
    const user = { externalId: 'u/1', email: 'ada@example.com' }
    expect(await trusted.createSession({ clientId: 'web', user, amr: ['pwd'] })).toEqual(answer)
    expect(lastCall()).toMatchObject({ method: 'POST', path: '/v1/trusted/sessions' })
    expect(lastCall()?.headers.authorization).toBe('Bearer token-1')
    expect(JSON.parse(lastCall()?.body ?? '')).toEqual({
      client_id: 'web',
      user: { external_id: 'u/1', email: 'ada@example.com' },
      amr: ['pwd'],
    })
    expect(issuer.arrived[0]?.body).toContain('scope=sessions%3Amanage')
  })

  test('CVE-2025-48370: the list of sessions, and the end of one or all, by ids that cannot leave their place in the path', async () => {
    const session = {
      id: 's1',
      client_id: 'web',
      current: false,
      device: null,
      ip: null,
      created_at: 'x',
      last_seen_at: 'y',
    }
    const trusted = await givenTrusted(({ method }) =>
      method === 'GET' ? { status: 200, body: { sessions: [session] } } : { status: 204 },
    )
    expect(await trusted.listSessions('u/1')).toEqual([session])
    expect(lastCall()).toMatchObject({ method: 'GET', path: '/v1/trusted/users/u%2F1/sessions' })
    expect(await trusted.endSession('u/1', 's 1')).toBe('ended')
    expect(lastCall()).toMatchObject({ method: 'DELETE', path: '/v1/trusted/users/u%2F1/sessions/s%201' })
    expect(await trusted.endSessions('u1')).toBe('ended')
    expect(lastCall()).toMatchObject({ method: 'DELETE', path: '/v1/trusted/users/u1/sessions' })
  })

  test('an invitation, the list of them and the end of one, with a token of the scope that they take', async () => {
    const invitation = { id: 'i-1', email: 'ada@example.com', delivery: 'link', created_at: 'x', expires_at: 'y' }
    const trusted = await givenTrusted(({ method }) =>
      method === 'POST'
        ? { status: 201, body: { ...invitation, link: 'https://login.example/invitation?token=t' } }
        : method === 'GET'
          ? { status: 200, body: { invitations: [invitation] } }
          : { status: 204 },
    )
    const wanted = { email: 'ada@example.com', delivery: 'link' as const, lifetimeSeconds: 3600, clientId: 'shop' }
    expect(await trusted.invite(wanted)).toMatchObject({ link: 'https://login.example/invitation?token=t' })
    expect(lastCall()).toMatchObject({ method: 'POST', path: '/v1/trusted/invitations' })
    expect(JSON.parse(lastCall()?.body ?? '')).toEqual({
      email: 'ada@example.com',
      delivery: 'link',
      expires_in: 3600,
      client_id: 'shop',
    })
    expect(await trusted.listInvitations()).toEqual([invitation])
    expect(await trusted.withdrawInvitation('i/1')).toBe('withdrawn')
    expect(lastCall()).toMatchObject({ method: 'DELETE', path: '/v1/trusted/invitations/i%2F1' })
    expect(issuer.arrived[0]?.body).toContain('scope=users%3Ainvite')
  })

  test.each(['', '.', '..'])('the id "%s" is refused here: it would name another endpoint', async id => {
    const trusted = await givenTrusted(() => ({ status: 204 }))
    expect(await trusted.endSessions(id)).toMatchObject({ refused: true, reason: 'user_unknown' })
    expect(await trusted.listSessions(id)).toMatchObject({ refused: true, reason: 'user_unknown' })
    expect(await trusted.endSession('u', id)).toMatchObject({ refused: true, reason: 'session_unknown' })
    expect(await trusted.getProviderToken(id, 'work')).toMatchObject({ refused: true, reason: 'user_unknown' })
    expect(await trusted.getProviderToken('u', id)).toMatchObject({ refused: true, reason: 'connection_unknown' })
    expect(await trusted.setRights(id, {})).toMatchObject({ refused: true, reason: 'user_unknown' })
    expect(await trusted.withdrawInvitation(id)).toMatchObject({ refused: true, reason: 'invitation_unknown' })
    expect(issuer.arrived).toEqual([])
  })
})

describe('what comes back', () => {
  const refusal = { error: 'not_found', error_description: 'There is no such user.', reason: 'user_unknown' }

  test('a refusal is a value with its reason', async () => {
    const trusted = await givenTrusted(() => ({ status: 404, body: refusal }))
    expect(await trusted.endSessions('u')).toEqual({ refused: true, reason: 'user_unknown' })
  })

  test('a refusal for now says when to try again', async () => {
    const body = { error: 'too_many_attempts', error_description: 'Not now.', reason: 'too_many_attempts' }
    const trusted = await givenTrusted(() => ({ status: 429, headers: { 'Retry-After': '7' }, body }))
    expect(await trusted.listSessions('u')).toEqual({
      refused: true,
      reason: 'too_many_attempts',
      detail: 'Not now.',
      retryAfterSeconds: 7,
    })
  })

  test('a client that gets no token is refused like any other', async () => {
    const trusted = await givenTrusted(() => ({ status: 204 }))
    const body = { error: 'invalid_scope', error_description: 'No.', reason: 'scope_invalid' }
    issuer.refuseWith = { status: 400, body }
    expect(await trusted.endSessions('u')).toMatchObject({ refused: true, reason: 'scope_invalid' })
  })

  test.each<[string, Answer]>([
    [
      'an error of the server',
      { status: 503, headers: { 'Retry-After': '3' }, body: { ...refusal, reason: 'unavailable' } },
    ],
    ['a page of some proxy', { status: 404, body: '<html>' }],
    ['a reason that nobody knows', { status: 400, body: { ...refusal, reason: 'because' } }],
    ['a success without its content', { status: 201, body: { token: 'secret' } }],
  ])('%s is thrown, without any token', async (_what, answer) => {
    const trusted = await givenTrusted(() => answer)
    const failure = await trusted.createSession({ clientId: 'web', user: { id: 'u' } }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(CallFailure)
    expect(inspect(failure, { depth: 9 })).not.toMatch(/token-\d|secret|quiet/)
  })

  test('a session is not asked for twice when the answer is lost', async () => {
    let asked = 0
    const trusted = await givenTrusted(() => {
      asked += 1
      return { status: 201, headers: { 'Content-Length': '1000', Connection: 'close' }, body: '{' }
    })
    const lost = trusted.createSession({ clientId: 'web', user: { id: 'u' } })
    await expect(lost).rejects.toThrow(CallFailure)
    expect(asked).toBe(1)
  })
})
