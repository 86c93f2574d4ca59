import type { Client } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { closedRegistration } from '../clients/registration/registration-policy.ts'
import { browser } from '../testing/browser.ts'
import { basic, call, get, introspect, me, postForm, postJson, refresh } from '../testing/calls.ts'
import { givenCountedServer } from '../testing/counted-commits.ts'
import { answerDevice, device } from '../testing/devices.ts'
import { closeGiven, given, issuer, sampleClients } from '../testing/given.ts'

afterEach(closeGiven)

async function signedIn() {
  const to = await given.server()
  const page = browser(to)
  await page.signUp()
  return { to, page }
}

describe('a device without a browser (RFC 8628)', () => {
  test('shows a code, polls, and is signed in once its user has said yes (RFC 8628 §3.2, §3.4)', async () => {
    const { to, page } = await signedIn()
    const tv = await device(to, { scope: 'notes' })
    expect([tv.answer.status, tv.answer.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(tv.answer.body).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${issuer}/device`,
      verification_uri_complete: `${issuer}/device?user_code=${tv.userCode}`,
      expires_in: 600,
      interval: 5,
    })
    const early = await tv.poll()
    expect([early.status, early.body.error]).toEqual([400, 'authorization_pending'])
    const asked = await page.submit('/device', { command: 'look', user_code: tv.userCode })
    expect(asked.status).toBe(200)
    expect(asked.text).not.toContain('nobody here has checked')
    for (const told of ['Orchard TV', tv.userCode, '127.0.0.1', 'Read and write your notes', 'maria@example.com'])
      expect(asked.text).toContain(told)
    const done = await page.submit('/device', { command: 'allow', user_code: tv.userCode })
    expect(done.headers.location).toBe('/device?done=allow')
    expect((await page.get('/device?done=allow')).text).toContain('Your device is connected')
    const tokens = await tv.poll()
    expect(tokens.body).toMatchObject({ scope: 'notes', refresh_token: expect.any(String), token_type: 'Bearer' })
    const claims = (await introspect(to, String(tokens.body.access_token))).body
    expect(claims).toMatchObject({ active: true, client_id: 'tv', sid: tokens.body.session_id, amr: ['pwd'] })
    await to.later(60)
    expect((await refresh(to, String(tokens.body.refresh_token), { client: 'tv' })).status).toBe(200)
  })

  test('names to its user the APIs that the grant will say, and that nobody has checked who is behind it', async () => {
    const unknown = {
      ...(sampleClients.find(({ id }) => id === 'tv') as Client),
      id: 'box',
      origin: 'registered' as const,
    }
    const to = await given.server({ clients: [...sampleClients, unknown] })
    const page = browser(to)
    await page.signUp()
    const box = await device(to, { client_id: 'box', scope: 'notes' })
    const { text } = await page.submit('/device', { command: 'look', user_code: box.userCode })
    expect(text).toContain('<bdi>https://api.example</bdi>, <bdi>https://media.example</bdi>')
    expect(text).toContain('nobody here has checked who is behind it')
    const one = await device(to, { client_id: 'box', scope: 'notes', resource: 'https://media.example' })
    const narrow = await page.submit('/device', { command: 'look', user_code: one.userCode })
    expect(narrow.text).toContain('<bdi>https://media.example</bdi>')
    expect(narrow.text).not.toContain('<bdi>https://api.example</bdi>')
  })

  test('has a session of its own: signing out of the browser leaves it, ending it leaves the browser', async () => {
    const { to, page } = await signedIn()
    const tv = await device(to)
    await answerDevice(page, tv.userCode, 'allow')
    const tokens = (await tv.poll({}, { 'user-agent': 'curl/8' })).body
    const account = await page.get('/account')
    expect(account.text).toContain('Orchard TV')
    const other = browser(to)
    await other.signIn()
    await page.submit('/account', { command: 'sign_out' })
    expect((await me(to, String(tokens.access_token))).status).toBe(200)
    await other.submit('/account', { command: 'end_session', session_id: String(tokens.session_id) })
    expect((await me(to, String(tokens.access_token))).body.reason).toBe('token_revoked')
    expect((await other.get('/account')).status).toBe(200)
  })

  test('the grant of its user says what was allowed, the audit log who allowed it, and withdrawing ends it', async () => {
    const { to, page } = await signedIn()
    const { user } = await to.store.loadUserByEmail('maria@example.com')
    const first = await device(to, { scope: 'notes', resource: 'https://media.example' })
    const before = (await to.audit()).length
    await answerDevice(page, first.userCode, 'allow')
    expect(await to.auditedSince(before)).toEqual(['device.approved', 'grant.allowed'])
    const second = await device(to, { scope: 'account', resource: 'https://api.example' })
    await answerDevice(page, second.userCode, 'allow')
    const { grant, now } = await to.store.loadGrant(user?.id ?? '', 'tv')
    expect(grant).toMatchObject({
      scopes: ['notes', 'account'],
      audiences: ['https://media.example', 'https://api.example'],
      epoch: 1,
    })
    const tokens = (await first.poll()).body
    const row = { ...(grant as NonNullable<typeof grant>), epoch: 2, withdrawnAt: now }
    await to.store.commit({ writes: [{ table: 'grant', row }], audit: [], entries: [], durable: true, time: now })
    expect((await refresh(to, String(tokens.refresh_token), { client: 'tv' })).body.reason).toBe(
      'authorization_revoked',
    )
    expect((await introspect(to, String(tokens.access_token))).body).toEqual({ active: false })
    expect((await second.poll()).body.reason).toBe('device_code_invalid')
  })

  test('is told when its user says no, and when the time is over', async () => {
    const { to, page } = await signedIn()
    const [refused, forgotten] = [await device(to), await device(to)]
    expect((await answerDevice(page, refused.userCode, 'deny')).headers.location).toBe('/device?done=deny')
    const no = await refused.poll()
    expect([no.status, no.body.error]).toEqual([400, 'access_denied'])
    await to.later(599)
    expect((await forgotten.poll()).body.error).toBe('authorization_pending')
    await to.later(1)
    expect((await forgotten.poll()).body.error).toBe('expired_token')
    const late = await page.submit('/device', { command: 'look', user_code: forgotten.userCode })
    expect([late.status, late.headers['countersign-reason']]).toEqual([400, 'user_code_invalid'])
    await to.later(400)
    await to.store.sweep({ keepEndedSeconds: 0, rowsAtMost: 100 })
    expect((await forgotten.poll()).body.error).toBe('invalid_grant')
  })

  test('that polls too fast waits five seconds longer each time (§3.5)', async () => {
    const { to, page } = await signedIn()
    const tv = await device(to)
    const errors: unknown[] = []
    for (const seconds of [0, 5, 4, 9, 14, 20, 19, 25]) {
      await to.later(seconds)
      errors.push((await tv.poll()).body.error)
    }
    expect(errors).toEqual([
      'authorization_pending',
      'authorization_pending',
      'slow_down',
      'slow_down',
      'slow_down',
      'authorization_pending',
      'slow_down',
      'authorization_pending',
    ])
    for (let n = 0; n < 30; n++) expect((await tv.poll()).body.error).toBe('slow_down')
    await answerDevice(page, tv.userCode, 'allow')
    expect((await tv.poll()).status).toBe(200)
  })

  test('is signed in once, and bound to the key of its proof', async () => {
    const { to, page } = await signedIn()
    const tv = await device(to)
    await answerDevice(page, tv.userCode, 'allow')
    const key = to.key()
    const tokens = await tv.poll({}, { dpop: key.proof('POST', `${issuer}/token`) })
    expect(tokens.body.token_type).toBe('DPoP')
    expect((await tv.poll()).body.reason).toBe('device_code_invalid')
    await to.later(60)
    const bare = await refresh(to, String(tokens.body.refresh_token), { client: 'tv' })
    expect(bare.body.reason).toBe('proof_required')
  })

  test('gets an ID token if it asks who its user is', async () => {
    const tv = sampleClients.find(({ id }) => id === 'tv') as Client
    const wide = { ...tv, scopes: [...tv.scopes, 'openid'] }
    const to = await given.server({ clients: sampleClients.map(client => (client.id === 'tv' ? wide : client)) })
    const page = browser(to)
    await page.signUp()
    const asking = await device(to, { scope: 'openid notes' })
    await answerDevice(page, asking.userCode, 'allow')
    const { body } = await asking.poll()
    const claims = JSON.parse(Buffer.from(String(body.id_token).split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ iss: issuer, aud: 'tv', sid: body.session_id, amr: ['pwd'] })
  })

  test('gets tokens for the APIs that it asked for, and fewer if it says so (RFC 8707)', async () => {
    const { to, page } = await signedIn()
    const tv = await device(to, { resource: 'https://media.example' })
    await answerDevice(page, tv.userCode, 'allow')
    expect((await tv.poll({ resource: 'https://api.example' })).body.error).toBe('invalid_target')
    const tokens = await tv.poll({ resource: 'https://media.example' })
    const { aud } = (await introspect(to, String(tokens.body.access_token))).body
    expect(aud).toEqual([issuer, 'https://media.example'])
  })
})

describe('what it was approved under must stand when it comes for its tokens', () => {
  test.each([
    ['the password was changed', 'change_password'],
    ['every session was ended', 'end_all'],
    ['the session was ended', 'sign_out'],
  ])('not if %s', async (_name, command) => {
    const { to, page } = await signedIn()
    const tv = await device(to)
    await answerDevice(page, tv.userCode, 'allow')
    await page.submit('/account', {
      command,
      current_password: 'correct horse battery',
      new_password: 'a better horse battery',
    })
    const late = await tv.poll()
    expect([late.status, late.body.error, late.body.reason]).toEqual([400, 'invalid_grant', 'device_code_invalid'])
  })
})

test('CVE-2026-88770: nor if its user was disabled since, or deleted', async () => {
  for (const off of ['disableUser', 'deleteUser'] as const) {
    const { to, page } = await signedIn()
    const tv = await device(to)
    await answerDevice(page, tv.userCode, 'allow')
    const userId = (await to.store.loadUserByEmail('maria@example.com')).user?.id
    await to.server.admin[off](String(userId))
    const late = await tv.poll()
    expect([late.status, late.body.error, late.body.reason]).toEqual([400, 'invalid_grant', 'device_code_invalid'])
  }
})

describe('attack 38 (CVE-2026-45337): somebody else answers', () => {
  test('whoever types the code first is the only one who can', async () => {
    const { to, page } = await signedIn()
    const attacker = browser(to)
    await attacker.signUp('attacker@example.com')
    const tv = await device(to)
    await page.submit('/device', { command: 'look', user_code: tv.userCode })
    for (const command of ['look', 'allow', 'deny']) {
      const answer = await attacker.submit('/device', { command, user_code: tv.userCode })
      expect([answer.status, answer.headers['countersign-reason']]).toEqual([400, 'user_code_invalid'])
      expect(answer.text).not.toContain('Orchard TV')
    }
    await page.submit('/device', { command: 'allow', user_code: tv.userCode })
    const tokens = await tv.poll()
    const { sub } = (await introspect(to, String(tokens.body.access_token))).body
    expect(sub).toBe((await to.store.loadUserByEmail('maria@example.com')).user?.id)
  })

  test('an answer is final', async () => {
    const { to, page } = await signedIn()
    const [yes, no] = [await device(to), await device(to)]
    await answerDevice(page, yes.userCode, 'allow')
    await answerDevice(page, no.userCode, 'deny')
    expect((await answerDevice(page, yes.userCode, 'deny')).headers['countersign-reason']).toBe('user_code_invalid')
    expect((await answerDevice(page, no.userCode, 'allow')).headers['countersign-reason']).toBe('user_code_invalid')
    expect((await no.poll()).body.error).toBe('access_denied')
    expect((await yes.poll()).status).toBe(200)
  })

  test('a link with the code fills it in and does nothing else; a form of another site is refused', async () => {
    const { to, page } = await signedIn()
    const tv = await device(to)
    const link = await page.get(`/device?user_code=${tv.userCode}`)
    expect(link.text).toContain(`value="${tv.userCode}"`)
    expect(link.text).not.toContain('Orchard TV')
    expect((await tv.poll()).body.error).toBe('authorization_pending')
    for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const forged = await page.submit('/device', { command: 'allow', user_code: tv.userCode }, headers)
      expect([forged.status, forged.headers['countersign-reason']]).toEqual([403, 'csrf_refused'])
    }
    const noCsrf = await page.submit('/device', { command: 'allow', user_code: tv.userCode, csrf: 'x' })
    expect(noCsrf.headers['countersign-reason']).toBe('csrf_refused')
  })

  test('who is not signed in signs in first, and comes back to the code', async () => {
    const to = await given.server()
    const page = browser(to)
    const tv = await device(to)
    const asked = await page.get(`/device?user_code=${tv.userCode.toLowerCase()}`)
    expect(asked.headers.location).toBe(`/sign-in?return_to=${encodeURIComponent(`/device?user_code=${tv.userCode}`)}`)
    const path = String(asked.headers.location).replace('/sign-in', '/sign-up')
    const signedUp = await page.signUp('maria@example.com', path)
    expect(signedUp.headers.location).toBe(`/device?user_code=${tv.userCode}`)
    const evil = await page.signIn('maria@example.com', '/sign-in?return_to=%2Fdevice%3Fuser_code%3Dx%2F..%2F%2Fevil')
    expect(evil.headers.location).toBe('/device')
    const posted = await postForm(to, '/device', { command: 'allow', user_code: tv.userCode })
    expect([posted.status, posted.headers.location?.startsWith('/sign-in')]).toEqual([303, true])
    expect((await tv.poll()).body.error).toBe('authorization_pending')
  })

  test('codes cannot be guessed: ten wrong ones by a user, thirty from an address, in ten minutes', async () => {
    const { to, page } = await signedIn()
    const tv = await device(to)
    const guess = (who: ReturnType<typeof browser>, code: string) =>
      who.submit('/device', { command: 'look', user_code: code })
    for (let n = 0; n < 10; n++) expect((await guess(page, 'BBBB-BBBB')).status).toBe(400)
    const limited = await guess(page, tv.userCode)
    expect([limited.status, limited.headers['countersign-reason']]).toEqual([429, 'too_many_attempts'])
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0)
    expect(limited.text).not.toContain('Orchard TV')
    const others = [browser(to), browser(to), browser(to)]
    for (const [index, other] of others.entries()) await other.signUp(`other${index}@example.com`)
    let refused = 0
    for (const other of others)
      for (let n = 0; n < 10; n++) if ((await guess(other, 'BBBB-BBBB')).status === 429) refused++
    expect(refused).toBe(10)
    await to.later(600)
    const fresh = await device(to)
    for (let n = 0; n < 40; n++) expect((await guess(page, fresh.userCode)).status).toBe(200)
  })
})

describe('bad input', () => {
  test.each([
    ['a client that may not', { client_id: 'app' }, 400, 'unauthorized_client'],
    ['a client that does not exist', { client_id: 'nobody' }, 401, 'invalid_client'],
    ['no client', { client_id: '' }, 401, 'invalid_client'],
    ['a scope too many', { scope: 'admin' }, 400, 'invalid_scope'],
    ['another resource', { resource: 'https://else.example' }, 400, 'invalid_target'],
  ])('%s is refused, and nothing is kept', async (_name, more, status, error) => {
    const { to, commits } = await givenCountedServer()
    const { answer } = await device(to, more as Record<string, string>)
    expect([answer.status, answer.body.error, commits()]).toEqual([status, error, 0])
  })

  test('a device code of another client, cut, or none', async () => {
    const { to, page } = await signedIn()
    const tv = await device(to)
    await answerDevice(page, tv.userCode, 'allow')
    expect((await tv.poll({ client_id: 'app' })).body.error).toBe('unauthorized_client')
    expect((await tv.poll({ device_code: tv.deviceCode.slice(1) })).body.error).toBe('invalid_grant')
    expect((await tv.poll({ device_code: '' })).body.reason).toBe('parameter_missing')
    expect((await tv.poll({ device_code: tv.userCode })).body.error).toBe('invalid_grant')
    expect((await tv.poll()).status).toBe(200)
  })

  test('whatever is typed into the field is a page', async () => {
    const { page } = await signedIn()
    for (const typed of [
      '',
      'x',
      '☃☃☃☃-☃☃☃☃',
      '<script>',
      'B'.repeat(5_000),
      'BBBB BBBB BBBB',
      '\u202eBBBB',
      'ÄÖÜß-ÄÖÜß',
    ]) {
      const answer = await page.submit('/device', { command: 'look', user_code: typed })
      expect(answer.text).toContain('<!doctype html>')
      expect([400, 429]).toContain(answer.status)
      expect(answer.text).not.toContain('<script>')
      const link = await page.get(`/device?user_code=${encodeURIComponent(typed)}`)
      expect(link.status).toBe(200)
    }
    expect((await page.submit('/device', { command: 'approve', user_code: 'x' })).status).toBe(400)
    expect((await page.get('/device?user_code=a&user_code=b')).headers['countersign-reason']).toBe(
      'parameter_duplicated',
    )
  })

  test('a code is read whatever its case and dashes', async () => {
    const { to, page } = await signedIn()
    for (const write of [
      (code: string) => code.toLowerCase(),
      (code: string) => code.replace('-', ''),
      (code: string) => ` ${code.replace('-', ' – ')} `,
    ]) {
      const tv = await device(to)
      expect((await page.submit('/device', { command: 'look', user_code: write(tv.userCode) })).status).toBe(200)
    }
  })

  test('a public client asks thirty times a minute from one address', async () => {
    const to = await given.server()
    const answers = []
    for (let n = 0; n < 31; n++) answers.push((await device(to)).answer.status)
    expect(answers.filter(status => status === 200)).toHaveLength(30)
    expect(answers.at(-1)).toBe(429)
  })

  test('so does one that has registered itself, whatever secret it has', async () => {
    const to = await given.server({ config: { registration: { ...closedRegistration, mode: 'open' } } })
    const grant_types = ['urn:ietf:params:oauth:grant-type:device_code']
    const { body } = await postJson(to, '/register', { grant_types })
    const authorized = basic(String(body.client_id), String(body.client_secret))
    const ask = async () => (await postForm(to, '/device_authorization', { scope: 'openid' }, authorized)).status
    for (let n = 0; n < 30; n++) expect(await ask()).toBe(200)
    expect(await ask()).toBe(429)
  })

  test('other methods and types', async () => {
    const to = await given.server()
    expect((await get(to, '/device_authorization')).status).toBe(405)
    const headers = { 'content-type': 'application/json' }
    const json = { method: 'POST', url: '/device_authorization', payload: '{}', headers } as const
    expect((await call(to, json)).status).toBe(415)
  })
})
