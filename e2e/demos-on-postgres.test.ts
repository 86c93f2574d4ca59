import { freePort } from '@countersign/store/testing/free-port'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DemoHome, givenDemoHome, type RunningDemo, startDemo } from './testing/demo-process.ts'
import { type Answer, bearer, call } from './testing/http-call.ts'

const masterKey = Buffer.alloc(32, 11).toString('base64url')
const homes: DemoHome[] = []
const running: RunningDemo[] = []
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(async () => {
  await Promise.all(running.map(demo => demo.end('SIGINT')))
  for (const home of homes) home.remove()
  await cluster.discard()
})

/** A demo with a folder of its own: with the others it has the database, the issuer and the master key in common. */
async function start(port: number, issuer: string): Promise<RunningDemo & { address: string }> {
  const home = givenDemoHome(port)
  homes.push(home)
  const demo = await startDemo(home, ['--database', cluster.url, '--issuer', issuer], {
    COUNTERSIGN_MASTER_KEY: masterKey,
  })
  running.push(demo)
  return { ...demo, address: `http://127.0.0.1:${port}` }
}

const refresh = (address: string, token: unknown): Promise<Answer> =>
  call(`${address}/token`, {
    form: { grant_type: 'refresh_token', client_id: 'demo', refresh_token: String(token) },
  })

/** What `/authorize` says to an app that comes back at this address. */
async function authorizationAnswer(server: string, appUrl: string): Promise<string> {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'demo',
    redirect_uri: `${appUrl}/`,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const { status, headers } = await call(`${server}/authorize?${query}`)
  return `${status} ${String(headers.location).split('?')[0]}`
}

test('several demos on one database are one system: one user, one set of keys, and each app is known everywhere', async () => {
  const [one, two] = [await freePort(), await freePort()]
  const issuer = `http://127.0.0.1:${one}`
  const [first, second] = await Promise.all([start(one, issuer), start(two, issuer)])
  expect([second.email, second.password]).toEqual([first.email, first.password])
  expect((await call(`${second.address}/jwks`)).text).toBe((await call(`${first.address}/jwks`)).text)

  const who = { email: first.email, password: first.password, client_id: 'demo' }
  const login = (await call(`${second.address}/v1/sessions`, { json: who })).json
  const renewed = await refresh(first.address, login.refresh_token)
  expect(renewed.status).toBe(200)
  for (const { apiUrl } of [first, second]) {
    expect((await call(`${apiUrl}/notes`, { headers: bearer(String(renewed.json.access_token)) })).status).toBe(200)
  }

  for (const { address } of [first, second]) {
    for (const { appUrl } of [first, second]) {
      expect(await authorizationAnswer(address, appUrl)).toBe('303 /sign-in')
      const { headers } = await call(`${address}/v1/me`, { headers: { origin: appUrl } })
      expect(headers['access-control-allow-origin']).toBe(appUrl)
    }
  }

  // A login outlives the process that gave it, and a third one that comes later takes nothing away.
  await second.end('SIGINT')
  const third = await start(await freePort(), issuer)
  expect((await refresh(third.address, login.refresh_token)).status).toBe(200)
  expect(await authorizationAnswer(first.address, first.appUrl)).toBe('303 /sign-in')
  expect(await authorizationAnswer(third.address, first.appUrl)).toBe('303 /sign-in')
})
