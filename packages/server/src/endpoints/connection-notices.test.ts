import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { type Answer, call, postForm } from '../testing/calls.ts'
import { connectedServer, signInWith } from '../testing/connected.ts'
import { closeGiven, type GivenServer } from '../testing/given.ts'
import { type OpenidUpstream, startOpenid } from '../testing/upstreams/openid.ts'
import { startFacebook } from '../testing/upstreams/social.ts'
import { client, closeUpstreams } from '../testing/upstreams/upstream.ts'

afterEach(async () => {
  await closeGiven()
  await closeUpstreams()
})

let to: GivenServer

const post = (name: string, payload: string, type: string): Promise<Answer> =>
  call(to, { method: 'POST', url: `/connections/${name}/notices`, payload, headers: { 'content-type': type } })

async function sessionsAt(name: string, subject: string): Promise<number> {
  const { user } = await to.store.loadUserByIdentity(name, subject)
  return (await to.store.listSessions(user?.id ?? '')).length
}

describe('Facebook: deauthorized', () => {
  const seconds = (): number => Math.floor(Date.now() / 1000)
  function signedRequest(told: object, secret = client.secret): { signed_request: string } {
    const payload = Buffer.from(JSON.stringify(told)).toString('base64url')
    const signature = createHmac('sha256', secret).update(payload).digest('base64url')
    return { signed_request: `${signature}.${payload}` }
  }
  const told = () => ({ user_id: '10223456', algorithm: 'HMAC-SHA256', issued_at: seconds() })

  test('ends what the person has here, forgets the tokens, and counts once', async () => {
    const facebook = await startFacebook()
    to = await connectedServer([{ ...facebook.settings, keep_tokens: true }])
    await signInWith(to, facebook, 'facebook')
    const notice = signedRequest(told())
    const before = (await to.audit()).length
    expect((await postForm(to, '/connections/facebook/notices', notice)).status).toBe(202)
    expect(await sessionsAt('facebook', '10223456')).toBe(0)
    expect((await to.store.loadUserByIdentity('facebook', '10223456')).identity?.sealedTokens).toBeNull()
    expect(await to.auditedSince(before)).toEqual(['sessions.ended'])
    await signInWith(to, facebook, 'facebook')
    expect((await postForm(to, '/connections/facebook/notices', notice)).status).toBe(202)
    expect(await sessionsAt('facebook', '10223456')).toBe(1)
  })

  test('under another secret, of another kind, old, or empty: ends nothing', async () => {
    const facebook = await startFacebook()
    to = await connectedServer([facebook.settings])
    await signInWith(to, facebook, 'facebook')
    for (const wrong of [
      signedRequest(told(), 'another secret'),
      signedRequest({ ...told(), algorithm: 'none' }),
      signedRequest({ ...told(), issued_at: seconds() - 8 * 86_400 }),
      { signed_request: signedRequest(told()).signed_request.replace(/^[^.]*/, '') },
      { signed_request: '' },
    ]) {
      const { status, body } = await postForm(to, '/connections/facebook/notices', wrong)
      expect([status, body.reason]).toEqual([400, 'security_event_invalid'])
    }
    expect(await sessionsAt('facebook', '10223456')).toBe(1)
  })
})

const risc = 'https://schemas.openid.net/secevent/risc/event-type/'

describe.each(['google', 'apple'] as const)('%s: signed by the provider', name => {
  let upstream: OpenidUpstream

  async function given(): Promise<void> {
    upstream = await startOpenid(name)
    const apple = { team_id: 'team', key_id: 'key', private_key: 'none' }
    to = await connectedServer([
      { ...upstream.settings, ...(name === 'apple' && apple), app_client_ids: ['our-ios-app'] },
    ])
    await to.store.commit(await userOf('m-1'))
  }

  async function userOf(subject: string) {
    const { judgeArrival, openBrowserSession, combine } = await import('@countersign/core')
    const snapshot = await to.store.loadUserByIdentity(name, subject)
    const device = { label: 'Firefox on Linux', ip: '192.0.2.1' }
    const told = { emailVerified: false, profile: {} }
    const { random } = to.server.services
    const more = { addressOwner: undefined, sealedTokens: undefined, refusesNew: undefined, device, random }
    const arrived = judgeArrival({ snapshot, connection: name, subject, told, ...more })
    if ('refused' in arrived || arrived.change === undefined) throw new Error('no user')
    return combine(
      arrived.change,
      openBrowserSession({ snapshot, user: arrived.user, device, amr: ['ext'], random }).change,
    )
  }

  const events = (type: string, sub = 'm-1'): unknown =>
    name === 'apple'
      ? JSON.stringify({ type, sub, event_time: 1 })
      : { [`${risc}${type}`]: { subject: { subject_type: 'iss-sub', iss: upstream.origin, sub } } }
  const ending = name === 'apple' ? 'consent-revoked' : 'sessions-revoked'
  const harmless = name === 'apple' ? 'email-disabled' : 'account-enabled'

  async function send(claims: Record<string, unknown>): Promise<Answer> {
    const token = await upstream.idToken({ jti: 'n-1', sub: undefined, ...claims })
    return name === 'apple'
      ? post(name, JSON.stringify({ payload: token }), 'application/json')
      : post(name, token, 'application/secevent+jwt')
  }

  test('ends what it names, once; and nothing that it does not', async () => {
    await given()
    expect((await send({ events: events(harmless), jti: 'n-0' })).status).toBe(202)
    expect((await send({ events: events(ending, 'somebody'), jti: 'n-00' })).status).toBe(202)
    expect(await sessionsAt(name, 'm-1')).toBe(1)
    expect((await send({ events: events(ending) })).status).toBe(202)
    expect(await sessionsAt(name, 'm-1')).toBe(0)
    const before = (await to.audit()).length
    expect((await send({ events: events(ending) })).status).toBe(202)
    expect(await to.auditedSince(before)).toEqual([])
  })

  test.each(['other_key', 'other_issuer', 'other_audience'] as const)('%s: ends nothing', async fault => {
    await given()
    upstream.fault = fault
    expect((await send({ events: events(ending) })).body.reason).toBe('security_event_invalid')
    expect(await sessionsAt(name, 'm-1')).toBe(1)
  })

  test('rubbish is refused, and a provider that is away is asked again', async () => {
    await given()
    expect((await post(name, 'rubbish', 'application/secevent+jwt')).status).toBe(400)
    upstream.fault = 'broken'
    expect((await send({ events: events(ending) })).status).toBe(503)
    upstream.fault = undefined
    expect((await send({ events: events(ending) })).status).toBe(202)
    expect(await sessionsAt(name, 'm-1')).toBe(0)
  })
})

test('a connection whose provider says nothing by itself takes nothing', async () => {
  const upstream = await startOpenid()
  to = await connectedServer([upstream.settings])
  expect((await post('work', 'x', 'text/plain')).body.reason).toBe('connection_unknown')
})
