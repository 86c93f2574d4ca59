import { declareClient } from '@countersign/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createOutbound, type Outbound } from '../../outbound/outbound.ts'
import { assertionFields, assertionKey } from '../../testing/assertion-key.ts'
import { browser } from '../../testing/browser.ts'
import { authorization, get, postForm, redeem, refresh } from '../../testing/calls.ts'
import { closeGiven, type GivenServer, given, sampleClients } from '../../testing/given.ts'
import { isMetadataAddress } from './metadata-address.ts'
import { closedRegistration } from './registration-policy.ts'

afterEach(closeGiven)

const address = 'https://app.example.org/oauth/client.json'
const redirect_uri = 'http://127.0.0.1/callback'
const good = { client_id: address, client_name: 'An app', redirect_uris: [redirect_uri] }

let document: Readonly<Record<string, unknown>>
let headers: Record<string, string>
let status: number
let isAway: boolean
let fetched: string[]
let to: GivenServer

const outbound: Outbound = async ({ url }) => {
  fetched.push(url)
  if (isAway) return { failed: 'unreachable' }
  return { status, header: name => headers[name], text: JSON.stringify(document) }
}

beforeEach(async () => {
  document = good
  headers = { 'content-type': 'application/json' }
  status = 200
  isAway = false
  fetched = []
  to = await server()
})

function server(more: Partial<typeof closedRegistration> = {}): Promise<GivenServer> {
  const registration = { ...closedRegistration, metadataDocuments: true, ...more }
  return given.server({ config: { registration }, outbound })
}

const find = (id = address) => to.server.services.clientFinder.find(id)
const ask = (whom = to, id = address) => get(whom, authorization({ client_id: id, redirect_uri }).path)

describe('a client that describes itself at its own address', () => {
  test('is found by it, somebody else’s application, and stored so that logins can refer to it', async () => {
    const before = (await to.audit()).length
    expect((await find())?.client).toMatchObject({
      id: address,
      name: 'An app',
      origin: 'metadata',
      authenticationMethod: 'none',
      redirectUris: [redirect_uri],
      firstParty: false,
      directLogin: false,
      consent: 'asked',
      scopes: closedRegistration.scopes,
      expiresAt: to.now() + 86_400_000,
    })
    expect(await to.auditedSince(before)).toEqual(['client.registered'])
    expect(await to.store.knowsWebOrigin('http://127.0.0.1')).toBe(true)
  })

  test('is advertised', async () => {
    const { body } = await get(to, '/.well-known/oauth-authorization-server')
    expect(body.client_id_metadata_document_supported).toBe(true)
  })

  test('is known at /authorize, by its registered redirects alone', async () => {
    expect((await ask()).body).toEqual({})
    expect(fetched).toEqual([address])
    const other = await get(to, authorization({ client_id: address, redirect_uri: 'https://evil.example/' }).path)
    expect([other.status, other.headers.location]).toEqual([400, undefined])
  })

  test('is known at the token endpoint, also if it comes there first', async () => {
    const fields = { grant_type: 'authorization_code', code: 'x', redirect_uri, code_verifier: 'x', client_id: address }
    expect((await postForm(to, '/token', fields)).body.reason).toBe('code_invalid')
    expect((await postForm(to, '/token', fields)).body.reason).toBe('code_invalid')
    expect(fetched).toEqual([address])
  })

  test('authenticates by a key that its document names', async () => {
    const key = assertionKey(to.now)
    document = { ...good, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } }
    const fields = { grant_type: 'authorization_code', code: 'x', redirect_uri, code_verifier: 'x' }
    const answer = await postForm(to, '/token', { ...fields, ...assertionFields(key.assertion(address)) })
    expect(answer.body.reason).toBe('code_invalid')
    expect((await postForm(to, '/token', { ...fields, client_id: address })).status).toBe(401)
  })

  test('may name what other servers have: it is passed over', async () => {
    document = {
      ...good,
      grant_types: ['authorization_code', 'refresh_token', 'implicit', 'urn:x'],
      response_types: ['code', 'token'],
      scope: 'openid admin account',
      skip_consent: true,
    }
    expect((await find())?.client).toMatchObject({
      grantTypes: ['authorization_code', 'refresh_token'],
      scopes: ['openid'],
      consent: 'asked',
    })
  })
})

describe('its document', () => {
  test('is fetched once for many who ask, and again when it is no longer fresh', async () => {
    await Promise.all(Array.from({ length: 50 }, () => find()))
    expect(fetched).toHaveLength(1)
    to.setClock(to.now() + 299_000)
    await find()
    expect(fetched).toHaveLength(1)
    to.setClock(to.now() + 1_000)
    const before = (await to.audit()).length
    await find()
    expect(fetched).toHaveLength(2)
    expect(await to.auditedSince(before)).toEqual([])
    document = { ...good, client_name: 'Renamed' }
    to.setClock(to.now() + 300_000)
    expect((await find())?.client.name).toBe('Renamed')
    expect(await to.auditedSince(before)).toEqual(['client.changed'])
  })

  test.each([
    ['public, max-age=3600', 3_600],
    ['max-age=5', 300],
    ['no-store', 300],
    ['max-age=99999999', 86_400],
  ])('says how long it is fresh, within bounds: %s', async (cacheControl, seconds) => {
    headers['cache-control'] = cacheControl
    await find()
    to.setClock(to.now() + seconds * 1000 - 1)
    await find()
    expect(fetched).toHaveLength(1)
    to.setClock(to.now() + 1)
    await find()
    expect(fetched).toHaveLength(2)
  })

  test.each<[string, Record<string, unknown>]>([
    ['names another client', { client_id: 'https://other.example/client.json' }],
    ['names itself in another spelling', { client_id: 'https://APP.example.org/oauth/client.json' }],
    ['names nobody', { client_id: undefined }],
    ['holds a secret', { client_secret: 'x' }],
    ['holds the end of a secret', { client_secret_expires_at: 0 }],
    ['wants to authenticate by a secret', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['has no redirect URI', { redirect_uris: undefined }],
    ['has a script to go back to', { redirect_uris: ['javascript:alert(1)'] }],
    ['has a private key', { jwks: { keys: [{ kty: 'EC', d: 'x' }] } }],
    ['has an internal address of keys', { jwks_uri: 'https://169.254.169.254/' }],
    ['has a name without end', { client_name: 'x'.repeat(101) }],
  ])('is none if it %s; nothing is written, and it is not asked for again at once', async (_what, more) => {
    document = { ...good, ...more }
    const before = await to.audit()
    for (let times = 0; times < 3; times++) expect(await find()).toBeUndefined()
    expect(fetched).toHaveLength(1)
    expect(await to.audit()).toEqual(before)
    expect(await to.store.loadClient(address)).toBeUndefined()
    document = good
    to.setClock(to.now() + 60_000)
    expect(await find()).toBeDefined()
  })

  test.each<[string, () => void]>([
    ['gone', () => (status = 404)],
    ['elsewhere', () => (status = 302)],
    ['a page', () => (headers['content-type'] = 'text/html')],
  ])('that is %s is none', async (_what, change) => {
    change()
    expect(await find()).toBeUndefined()
    expect((await ask()).status).toBe(401)
  })

  test('that is away leaves what is stored, for a day; one that was never seen is unknown', async () => {
    await find()
    isAway = true
    to.setClock(to.now() + 3_600_000)
    expect(await find()).toBeDefined()
    expect(await find('https://app.example.org/other.json')).toBeUndefined()
    to.setClock(to.now() + 86_400_000)
    expect(await find()).toBeUndefined()
  })

  test('that is taken back takes the client away from new users', async () => {
    await find()
    status = 410
    to.setClock(to.now() + 300_000)
    expect(await find()).toBeUndefined()
  })
})

describe('where a client calls by itself, its document is looked at as where users are asked', () => {
  const device = 'urn:ietf:params:oauth:grant-type:device_code'
  const all = { ...good, grant_types: ['authorization_code', 'refresh_token', device], scope: 'openid profile' }

  /** A user has allowed it, at both ends. */
  async function loggedIn() {
    document = all
    const page = browser(to)
    await page.signUp()
    const { path, verifier } = authorization({ client_id: address, redirect_uri })
    const code = (await page.follow(path)).parameters.get('code') ?? ''
    const fields = { code, code_verifier: verifier, client_id: address, redirect_uri }
    return { page, fields, tokens: (await redeem(to, fields)).body }
  }

  test('taken back, it gets no device code, no tokens for what it holds, and may give those back', async () => {
    const { tokens, fields } = await loggedIn()
    const waiting = await postForm(to, '/device_authorization', { client_id: address })
    expect(waiting.status).toBe(200)
    status = 410
    await to.later(300)
    const refreshToken = String(tokens.refresh_token)
    const poll = { grant_type: device, device_code: String(waiting.body.device_code), client_id: address }
    const answers = [
      await redeem(to, fields),
      await refresh(to, refreshToken, { client: address }),
      await postForm(to, '/token', poll),
      await postForm(to, '/device_authorization', { client_id: address }),
      await postForm(to, '/par', { client_id: address, redirect_uri, response_type: 'code' }),
    ]
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(answers.map(() => [401, 'invalid_client']))
    expect(fetched).toHaveLength(2)
    expect((await postForm(to, '/revoke', { client_id: address, token: refreshToken })).status).toBe(200)
    expect((await to.audit()).at(-1)?.record).toMatchObject({ event: 'family.ended', clientId: address })
  })

  test('away, it goes on as it was, and a document that says less is less at the next refresh', async () => {
    const { tokens } = await loggedIn()
    isAway = true
    await to.later(300)
    const first = await refresh(to, String(tokens.refresh_token), { client: address })
    expect([first.status, first.body.scope]).toEqual([200, 'openid profile'])
    isAway = false
    document = { ...all, scope: 'openid', client_name: 'Renamed' }
    await to.later(300)
    const second = await refresh(to, String(first.body.refresh_token), { client: address })
    expect([second.status, second.body.scope]).toEqual([200, 'openid'])
    document = { ...all, grant_types: ['authorization_code'] }
    await to.later(300)
    const third = await refresh(to, String(second.body.refresh_token), { client: address })
    expect(third.body.reason).toBe('client_not_allowed')
  })

  test('another kind of subject is another at the very refresh that finds it', async () => {
    const { tokens } = await loggedIn()
    document = { ...all, redirect_uris: [redirect_uri], subject_type: 'pairwise' }
    await to.later(300)
    const answer = await refresh(to, String(tokens.refresh_token), { client: address })
    expect(answer.body.reason).toBe('authorization_revoked')
  })
})

describe('no more than there should be', () => {
  test('an operator’s decision holds, whatever the document says', async () => {
    await find()
    const { clients } = to.server.admin
    await clients.disable(address, 'operator')
    to.setClock(to.now() + 300_000)
    document = { ...good, client_name: 'New' }
    expect((await find())?.client).toMatchObject({ name: 'New', disabled: true })
    expect((await ask()).status).toBe(401)
    expect(await clients.set(address, { name: 'x' }, 'operator')).toMatchObject({ reason: 'client_declared' })
    await clients.remove(address, 'operator')
    expect((await ask()).status).toBe(401)
  })

  test.each(['disable', 'remove'] as const)('a decision to %s one outlives the sweep', async decision => {
    await find()
    await to.server.admin.clients[decision](address, 'operator')
    await to.later(90_000)
    await to.store.sweep({ keepEndedSeconds: 0, rowsAtMost: 10 })
    expect((await to.store.loadClient(address))?.client.disabled).toBe(true)
    expect((await find())?.client.disabled).toBe(true)
    expect((await ask()).status).toBe(401)
  })

  test('one that nobody used is forgotten, and comes again when it is named again', async () => {
    await find()
    to.setClock(to.now() + 86_400_000)
    await to.store.sweep({ keepEndedSeconds: 0, rowsAtMost: 10 })
    expect(await to.store.loadClient(address)).toBeUndefined()
    expect(await find()).toBeDefined()
  })

  test('one host is asked so often a minute, and there are so many in all', async () => {
    document = {}
    for (let index = 0; index < 40; index++) await find(`https://app.example.org/${index}`)
    expect(fetched).toHaveLength(30)
    document = good
    const few = await server({ clientsAtMost: 0 })
    expect((await ask(few)).status).toBe(401)
  })

  describe('one domain does not use up what is there for all', () => {
    const own = (index: number) => `https://h${index}.evil.example/client.json`
    const describing: Outbound = async ({ url }) => ({
      status: 200,
      header: () => 'application/json',
      text: JSON.stringify({ ...good, client_id: url }),
    })
    const withOutbound = (answer: Outbound, more: Partial<typeof closedRegistration> = {}) =>
      given.server({
        config: { registration: { ...closedRegistration, metadataDocuments: true, ...more } },
        outbound: async request => {
          fetched.push(request.url)
          return answer(request)
        },
      })

    test('of what may be fetched a minute, under however many host names', async () => {
      to = await withOutbound(async () => ({ status: 404, header: () => undefined, text: '' }))
      for (let index = 0; index < 400; index++) await find(own(index))
      expect(fetched).toHaveLength(60)
      await find()
      expect(fetched).toHaveLength(61)
    })

    test('of what may be fetched at once, however slowly it answers', async () => {
      const { promise, resolve: answer } = Promise.withResolvers<void>()
      to = await withOutbound(async request => {
        if (request.url.includes('evil')) await promise
        return describing(request)
      })
      const slow = Array.from({ length: 30 }, (_, index) => find(own(index)))
      expect((await find())?.client.id).toBe(address)
      expect(fetched.filter(url => url.includes('evil'))).toHaveLength(5)
      answer()
      expect((await Promise.all(slow)).filter(found => found !== undefined)).toHaveLength(5)
    })

    test('of the clients that there may be', async () => {
      to = await withOutbound(describing, { clientsAtMost: 60 })
      for (let index = 0; index < 20; index++) await find(own(index))
      expect(await to.store.countClients('metadata')).toBe(3)
      expect((await find())?.client.id).toBe(address)
      expect((await find(own(0)))?.client.id).toBe(own(0))
      await to.later(86_400)
      expect(await find(own(30))).toBeDefined()
    })
  })

  test('while a host may not be asked, what was good still is, and what was taken back still is not', async () => {
    const useUpFetches = async () => {
      for (let index = 0; index < 30; index++) await find(`https://app.example.org/${index}`)
      fetched = []
    }
    await find()
    await to.later(300)
    await useUpFetches()
    expect((await find())?.client.id).toBe(address)
    await to.later(60)
    status = 410
    expect(await find()).toBeUndefined()
    await to.later(60)
    await useUpFetches()
    expect(await find()).toBeUndefined()
    expect(fetched).toEqual([])
    await to.later(60)
    status = 200
    expect((await find())?.client.id).toBe(address)
  })

  test('switched off, an address is nobody’s name; by default it is off', async () => {
    const off = await server({ metadataDocuments: false })
    expect((await ask(off)).status).toBe(401)
    expect((await ask(await given.server({ outbound }))).status).toBe(401)
    expect(fetched).toEqual([])
  })

  test('a client that is declared under an address is what its declaration says', async () => {
    const declared = declareClient({ id: address, name: 'Declared', redirectUris: [redirect_uri] })
    const registration = { ...closedRegistration, metadataDocuments: true }
    to = await given.server({ clients: [...sampleClients, declared], config: { registration }, outbound })
    expect((await find())?.client.name).toBe('Declared')
    expect(fetched).toEqual([])
  })
})

test('attack 29: an address of this machine is not called, whatever its name says', async () => {
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
  const registration = { ...closedRegistration, metadataDocuments: true }
  to = await given.server({ config: { registration }, outbound: createOutbound({ allowsLoopback: false, resolve }) })
  expect(await find()).toBeUndefined()
})

describe('an address is a client’s name', () => {
  test.each([
    address,
    'https://app.example.org/c',
    'https://app.example.org:8443/c?v=1',
    'https://app.example.org/a/b/',
    `https://app.example.org/${'x'.repeat(1_900)}`,
  ])('if it is %s', id => {
    expect(isMetadataAddress(id, false)).toBe(true)
  })

  test.each(['http://127.0.0.1:3000/client.json', 'http://localhost:3000/client.json'])(
    'on a server on loopback also %s',
    id => {
      expect([isMetadataAddress(id, true), isMetadataAddress(id, false)]).toEqual([true, false])
    },
  )

  test.each([
    'http://app.example.org/c',
    'https://app.example.org',
    'https://app.example.org/',
    'https://app.example.org/c#x',
    'https://user@app.example.org/c',
    'https://app.example.org/a/../c',
    'https://app.example.org/./c',
    'https://app.example.org/%2e%2e/c',
    'https://APP.example.org/c',
    'https://app.example.org:443/c',
    'https://app.example.org\\c',
    'https://app.example.org/ c',
    'https://[::ffff:169.254.169.254]/c',
    'https://169.254.169.254/c',
    'https://2130706433/c',
    `https://app.example.org/${'x'.repeat(2_000)}`,
    'app',
    '',
  ])('not if it is %s', id => {
    expect(isMetadataAddress(id, true)).toBe(false)
  })
})
