import { Agent } from 'node:http'
import { join } from 'node:path'
import { isRefusal } from '@countersign/protocol'
import { createVerifier } from '@countersign/verify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningNodes, startNodes } from '../examples/cluster/src/start-nodes.ts'
import { type Install, keep, logIn, person, refresh, revoke, signUp } from './testing/app-install.ts'
import { followFeed } from './testing/feed-reader.ts'
import { type Answer, basic, call } from './testing/http-call.ts'
import { createProofKey, proofFor } from './testing/proof-key.ts'

const configuration = join(import.meta.dirname, '../examples/cluster/countersign.json')
const api = { clientId: 'notes-api', clientSecret: 'replace-this-by-32-random-bytes-of-your-own' }
const app = { clientId: 'notes-app' }
/** As many as it takes that nobody signs in too often for one account: the nodes count that together. */
const people = [
  person,
  ...Array.from({ length: 9 }, (_, index) => ({ ...person, email: `someone.${index}@example.com` })),
]
let running: RunningNodes

beforeAll(async () => {
  running = await startNodes({ configuration })
  for (const who of people) await signUp(running.issuer, who)
})
afterAll(() => running?.close())

/** Of one address in a minute. */
const loginsAtMost = 300

/** Somebody who does the same again and again, four times at least, until told to stop. Answers then with what did not go well. */
function again(
  act: () => Promise<string | undefined>,
  timesAtMost = Number.POSITIVE_INFINITY,
): { stop(): Promise<readonly string[]> } {
  let stopped = false
  const wrong: string[] = []
  async function go(): Promise<void> {
    for (let done = 0; (!stopped || done < 4) && done < timesAtMost; done++) {
      const problem = await act().catch(String)
      if (problem !== undefined) wrong.push(problem)
    }
  }
  const gone = go()
  return {
    async stop() {
      stopped = true
      await gone
      return wrong
    },
  }
}

/** A node that has just started asks for a nonce of its own time: a client does as it is told (RFC 9449 §8), and that is no failure. */
async function refreshAsApp(issuer: string, install: Install): Promise<Answer | undefined> {
  for (let tries = 0; ; tries++) {
    const answer = await refresh(issuer, install)
    if (tries === 3 || answer?.headers['countersign-reason'] !== 'proof_nonce_required') return answer
  }
}

const unlessFine = (answer: { status: number; text: string } | undefined, what: string): string | undefined =>
  answer?.status === 200 || answer?.status === 201 ? undefined : `${what}: ${answer?.status} ${answer?.text}`

test('all nodes restart one after the other under load: no request fails, and no follower of the feed misses an entry', async () => {
  const { issuer, nodes } = running
  const before = nodes.map(node => node.pid())
  const bound = await Promise.all([1, 2].map(() => logIn(issuer, { ...app, key: createProofKey() })))
  const unbound = await logIn(issuer, app)
  const keeping = await Promise.all(Array.from({ length: 3 }, () => logIn(issuer, app)))
  const follower = followFeed(issuer, api)
  const revoked: string[] = []

  const load = [
    ...bound.map(install => again(async () => unlessFine(await refreshAsApp(issuer, install), 'a bound refresh'))),
    again(async () => unlessFine(await refresh(issuer, unbound), 'a refresh')),
    again(async () =>
      unlessFine(await call(`${issuer}/jwks`, { headers: { 'x-forwarded-proto': 'http' } }), 'the keys'),
    ),
    again(async () => {
      const form = { token: unbound.accessToken }
      return unlessFine(
        await call(`${issuer}/introspect`, { form, headers: basic(api.clientId, api.clientSecret) }),
        'asking',
      )
    }),
    again(async () => {
      const who = people[revoked.length % people.length] ?? person
      const short: Install = await logIn(issuer, { ...app, who })
      const answer = await revoke(issuer, short)
      revoked.push(short.sessionId)
      return unlessFine(answer, 'a logout')
    }, loginsAtMost - 20),
    ...keeping.flatMap(install => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      return [
        again(async () => {
          const form = { grant_type: 'refresh_token', client_id: install.clientId, refresh_token: install.refreshToken }
          const answer = await call(`${issuer}/token`, { form, agent })
          if (answer.status === 200) keep(install, answer)
          return unlessFine(answer, 'a refresh on a kept connection')
        }),
        again(async () => unlessFine(await call(`${issuer}/jwks`, { agent }), 'the keys on a kept connection')),
      ]
    }),
  ]
  const codes = await running.restartEach()
  expect((await Promise.all(load.map(one => one.stop()))).flat()).toEqual([])
  expect(codes).toEqual([0, 0, 0])
  expect(nodes.filter((node, index) => node.pid() === before[index])).toEqual([])

  // Each entry once, in the order of the numbers, over all connections; only the first began with a snapshot.
  await follower.until(read => revoked.every(session => read.ids.includes(session)))
  const { numbers, snapshots, connections, ids } = await follower.stop()
  expect(snapshots).toBe(1)
  expect(connections).toBeGreaterThan(1)
  expect(numbers).toEqual(numbers.map((_number, index) => (numbers[0] ?? 0) + index))
  expect(new Set(ids).size).toBe(ids.length)
  for (const install of [...bound, unbound]) expect((await refreshAsApp(issuer, install))?.status).toBe(200)
})

test('what is revoked on one node is refused by an API that follows another, without asking anybody', async () => {
  const { issuer, nodes } = running
  const [here, there] = nodes.map(node => `http://${node.address}`)
  const asked: string[] = []
  const verifier = createVerifier({
    issuer,
    audience: 'urn:notes',
    revocations: api,
    // The second node's own address, whatever the metadata say.
    fetch: (input, init) => {
      asked.push(String(input))
      return fetch(String(input).replace(issuer, String(there)), init)
    },
  })
  const install = await logIn(String(here), app)
  await verifier.ready()
  const isRefused = async (): Promise<string | undefined> => {
    const verdict = await verifier.verify(install.accessToken)
    return isRefusal(verdict) ? verdict.reason : undefined
  }
  expect(await isRefused()).toBeUndefined()
  const before = asked.length
  expect((await revoke(String(here), install))?.status).toBe(200)
  await expect.poll(isRefused, { timeout: 20_000, interval: 10 }).toBe('token_revoked')
  expect(asked.slice(before).filter(url => !url.endsWith('/revocations'))).toEqual([])
  // And at the node itself the order is fixed: once the answer is there, a fresh look at any node has the entry.
  const second = await logIn(String(here), app)
  await revoke(String(here), second)
  const headers = basic(api.clientId, api.clientSecret)
  for (const node of nodes) {
    expect((await call(`http://${node.address}/revocations`, { headers })).text).toContain(second.sessionId)
  }
  verifier.close()
})

test('whatever happens to Valkey no request fails, a proof is good once at a node, and what is revoked at one is told by all; when it is back, nodes know proofs and count attempts together', async () => {
  const { issuer, nodes, valkey } = running
  if (valkey === undefined) throw new Error('neither Valkey nor Redis is installed')
  const addresses = nodes.map(node => `http://${node.address}`)
  const [here = '', there = ''] = addresses
  const who = { ...person, email: 'another@example.com' }
  await signUp(issuer, who)
  const bound = await logIn(issuer, { ...app, who, key: createProofKey() })

  /** One request, with one proof, at one node after the other. */
  async function refreshAt(...order: readonly string[]): Promise<unknown[]> {
    const headers = await proofFor(issuer, bound.key, { method: 'POST', url: `${issuer}/token`, ...app })
    const form = { grant_type: 'refresh_token', client_id: app.clientId, refresh_token: bound.refreshToken }
    const said: unknown[] = []
    for (const address of order) {
      const answer = await call(`${address}/token`, { headers, form })
      if (answer.status === 200) keep(bound, answer)
      said.push(answer.headers['countersign-reason'] ?? answer.status)
    }
    return said
  }

  for (const step of ['flush', 'pause', 'resume', 'cut', 'kill', 'start'] as const) {
    await valkey[step]()
    expect([step, ...(await refreshAt(here, here))]).toEqual([step, 200, 'proof_replayed'])
    const short = await logIn(here, { ...app, who })
    expect((await revoke(here, short))?.status).toBe(200)
    const headers = basic(api.clientId, api.clientSecret)
    for (const address of addresses) {
      expect((await call(`${address}/revocations`, { headers })).text).toContain(short.sessionId)
    }
  }

  await expect.poll(() => refreshAt(here, there)).toEqual([200, 'proof_replayed'])
  let tries = 0
  /** Of twice ten guesses at once those that were judged: of one account from one address ten fail, and then one more every six seconds. */
  async function judged(): Promise<number> {
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': `192.0.2.${++tries}` }
    const json = { email: `nobody.${tries}@example.com`, password: 'what is it, then', client_id: app.clientId }
    const guesses = [here, there].flatMap(address =>
      Array.from({ length: 10 }, () => call(`${address}/v1/sessions`, { headers, json })),
    )
    const count = (await Promise.all(guesses)).filter(({ status }) => status === 401).length
    expect(count).toBeGreaterThanOrEqual(10)
    return count
  }
  // A node that Valkey has not answered in time, on a busy machine, counts alone for a second.
  await expect.poll(judged).toBeLessThan(20)
})
