import { type Client, declareClient } from '@countersign/core'
import { afterEach, describe, expect, test } from 'vitest'
import { browser } from '../testing/browser.ts'
import { asApi, get, postForm, postJson, redeem, signUp } from '../testing/calls.ts'
import { answerDevice, device } from '../testing/devices.ts'
import { asOrders, exchange } from '../testing/exchanges.ts'
import { closeGiven, given, issuer, password, sampleClients } from '../testing/given.ts'
import { push } from '../testing/pushed.ts'

afterEach(closeGiven)

const type = (id: string): Client => sampleClients.find(client => client.id === id) as Client

/** Everything that gives tokens, each tried with the headers that it gets. */
async function everyGrant(more: Partial<Client>) {
  const changed = new Set(['app', 'tv', 'orders'])
  const to = await given.server({
    clients: sampleClients.map(client => (changed.has(client.id) ? declareClient({ ...client, ...more }) : client)),
  })
  const userId = await signUp(to)
  const page = browser(to)
  await page.signIn()
  const tv = await device(to)
  await answerDevice(page, tv.userCode, 'allow')
  const { code, verifier } = await page.code()
  const subject = await postJson(to, '/v1/sessions', { email: 'maria@example.com', password, client_id: 'bearer-app' })
  const sent = String(subject.body.access_token)
  const body = { email: 'maria@example.com', password, client_id: 'app' }
  type Headers = Readonly<Record<string, string>>
  const grants: Readonly<Record<string, (headers: Headers) => ReturnType<typeof postForm>>> = {
    authorization_code: headers => redeem(to, { code, code_verifier: verifier }, headers),
    device_code: headers => tv.poll({}, headers),
    client_credentials: headers =>
      postForm(to, '/token', { grant_type: 'client_credentials' }, { ...asOrders, ...headers }),
    token_exchange: headers => exchange(to, sent, { audience: 'https://api.example' }, headers),
    'POST /v1/sessions': headers => postJson(to, '/v1/sessions', body, headers),
  }
  return { to, userId, grants }
}

describe('a client that must prove a key (RFC 9449 §5.2)', () => {
  test('gets nothing without, by any grant, and everything with', async () => {
    const { to, userId, grants } = await everyGrant({ requiresDpop: true })
    const key = to.key()
    for (const [name, ask] of Object.entries(grants)) {
      const bare = await ask({})
      expect([name, bare.status, bare.body.error]).toEqual([name, 400, 'invalid_dpop_proof'])
      expect(bare.body.reason).toBe('proof_required')
      const url = name.startsWith('POST') ? `${issuer}/v1/sessions` : `${issuer}/token`
      const proven = await ask({ dpop: key.proof('POST', url) })
      expect([name, proven.status < 300]).toEqual([name, true])
    }
    const opened = await postJson(to, '/v1/trusted/sessions', { client_id: 'app', user: { id: userId } }, asApi)
    expect(opened.body.reason).toBe('client_not_allowed')
    expect((await push(to)).answer.status).toBe(201)
  })
})

describe('a client whose proofs must carry a nonce of ours (RFC 9449 §8)', () => {
  test('is given one, and served with it, by any grant', async () => {
    const { to, grants } = await everyGrant({ requiresDpopNonce: true })
    const key = to.key()
    for (const [name, ask] of Object.entries(grants)) {
      const url = name.startsWith('POST') ? `${issuer}/v1/sessions` : `${issuer}/token`
      const first = await ask({ dpop: key.proof('POST', url) })
      expect([name, first.status, first.body.error]).toEqual([name, 400, 'use_dpop_nonce'])
      const nonce = first.headers['dpop-nonce']
      for (const wrong of ['x', '', `${nonce}A`, Buffer.alloc(22).toString('base64url')]) {
        const refused = await ask({ dpop: key.proof('POST', url, { claims: { nonce: wrong } }) })
        expect([name, refused.status]).toEqual([name, 400])
      }
      const second = await ask({ dpop: key.proof('POST', url, { claims: { nonce } }) })
      expect([name, second.status < 300]).toEqual([name, true])
    }
    const pushed = await push(to, {}, { dpop: key.proof('POST', `${issuer}/par`) })
    expect(pushed.answer.body.error).toBe('use_dpop_nonce')
  })

  test('a nonce is good for five minutes, at this server alone', async () => {
    const { to, grants } = await everyGrant({ requiresDpopNonce: true })
    const key = to.key()
    const ask = grants.client_credentials as NonNullable<(typeof grants)[string]>
    const proof = (nonce: unknown) => ({ dpop: key.proof('POST', `${issuer}/token`, { claims: { nonce } }) })
    const nonce = (await ask(proof(undefined))).headers['dpop-nonce']
    await to.later(300)
    expect((await ask(proof(nonce))).status).toBe(200)
    await to.later(1)
    expect((await ask(proof(nonce))).body.error).toBe('use_dpop_nonce')
    const other = await given.server({
      master: Buffer.alloc(32, 1),
      clients: [{ ...type('orders'), requiresDpopNonce: true }],
    })
    const foreign = await postForm(
      other,
      '/token',
      { grant_type: 'client_credentials' },
      { ...asOrders, ...proof(undefined) },
    )
    expect((await ask(proof(foreign.headers['dpop-nonce']))).body.error).toBe('use_dpop_nonce')
  })

  test('also at the API of the account, with a challenge (§9)', async () => {
    const { to } = await everyGrant({ requiresDpopNonce: true })
    const key = to.key()
    const body = { email: 'maria@example.com', password, client_id: 'app' }
    const url = `${issuer}/v1/sessions`
    const { headers } = await postJson(to, '/v1/sessions', body, { dpop: key.proof('POST', url) })
    const nonce = headers['dpop-nonce']
    const opened = await postJson(to, '/v1/sessions', body, { dpop: key.proof('POST', url, { claims: { nonce } }) })
    const token = String(opened.body.access_token)
    const ask = (claims: object) =>
      get(to, '/v1/me', {
        authorization: `DPoP ${token}`,
        dpop: key.proof('GET', `${issuer}/v1/me`, { token, claims: { ...claims } }),
      })
    const bare = await ask({})
    expect([bare.status, bare.body.error]).toEqual([401, 'use_dpop_nonce'])
    expect(bare.headers['www-authenticate']).toMatch(/^DPoP error="use_dpop_nonce"/)
    expect((await ask({ nonce: bare.headers['dpop-nonce'] })).status).toBe(200)
  })
})
