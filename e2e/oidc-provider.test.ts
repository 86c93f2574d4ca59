import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { browser } from '../packages/server/src/testing/browser.ts'
import { beginWith, connectedServer, pathOf } from '../packages/server/src/testing/connected.ts'
import { closeGiven, type GivenServer, issuer as ours } from '../packages/server/src/testing/given.ts'

const credentials = { client_id: 'countersign', client_secret: 'a-secret-of-32-characters-or-more' }
const server = createServer()
let issuer: string

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  const provider = new Provider(issuer, {
    clients: [
      {
        ...credentials,
        redirect_uris: [`${ours}/connections/stranger/callback`],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig' }] },
    cookies: { keys: ['a key of its cookies'] },
    claims: { profile: ['name', 'given_name'], email: ['email', 'email_verified'] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        name: 'Maria Lopez',
        given_name: 'Maria',
        email: 'maria@example.com',
        email_verified: true,
      }),
    }),
  })
  server.on('request', provider.callback())
})
afterEach(closeGiven)
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const settings = { name: 'stranger', title: 'Stranger', ...credentials }

/** A browser at the provider: follows where it leads, and fills in what it asks. The address of ours that it ends at. */
async function walk(from: string): Promise<string> {
  const jar = new Map<string, string>()
  let [url, form]: [string, URLSearchParams | undefined] = [from, undefined]
  for (let step = 0; step < 12; step++) {
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: form }),
    })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    const location = answer.headers.get('location')
    form = undefined
    if (location !== null) {
      url = new URL(location, url).href
      if (url.startsWith(ours)) return url
      continue
    }
    const text = await answer.text()
    const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1]
    if (prompt === undefined) throw new Error(`${answer.status} ${text.slice(0, 500)}`)
    url = new URL(/action="([^"]+)"/.exec(text)?.[1] ?? '', url).href
    form = new URLSearchParams(prompt === 'login' ? { prompt, login: 'm-1', password: 'any' } : { prompt })
  }
  throw new Error('no end')
}

async function given(): Promise<GivenServer> {
  return connectedServer([{ ...settings, issuer }])
}

test('node-oidc-provider, a stranger’s server: discovered, asked, believed; the second time it is the same user', async () => {
  const to = await given()
  const page = browser(to)
  expect((await page.get(pathOf(await walk(await beginWith(page, 'stranger'))))).headers.location).toBe('/account')
  const { user } = await to.store.loadUserByIdentity('stranger', 'm-1')
  expect(user).toMatchObject({ name: 'Maria Lopez', email: 'maria@example.com', profile: { givenName: 'Maria' } })
  const other = browser(to)
  expect((await other.get(pathOf(await walk(await beginWith(other, 'stranger'))))).headers.location).toBe('/account')
  expect((await to.store.loadUserByIdentity('stranger', 'm-1')).user).toEqual(user)
})

test('a code of its that somebody else has got is worth nothing', async () => {
  const to = await given()
  const [mine, other] = [browser(to), browser(to)]
  const stolen = new URL(await walk(await beginWith(other, 'stranger'))).searchParams.get('code') ?? ''
  const back = new URL(await walk(await beginWith(mine, 'stranger')))
  back.searchParams.set('code', stolen)
  expect((await mine.get(pathOf(back.href))).headers.location).toContain('problem=connection_answer_invalid')
})
