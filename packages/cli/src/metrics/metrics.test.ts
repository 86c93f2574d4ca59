import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfiguration } from '../configuration.ts'
import { type RunningSystem, serve } from '../serve.ts'

const apiSecret = 'the secret of an API that reads the feed'
const person = { email: 'maria@example.com', password: 'correct horse battery' }
const folder = mkdtempSync(join(tmpdir(), 'countersign-metrics-'))
let node: RunningSystem

beforeAll(async () => {
  const clients = [
    { id: 'app', first_party: true, direct_login: true, access_token_binding: 'bearer', scopes: ['account'] },
    { id: 'api', secrets: [apiSecret], scopes: ['introspection', 'revocations'] },
  ]
  const environment = { COUNTERSIGN_CLIENTS: JSON.stringify(clients), COUNTERSIGN_METRICS_PORT: '0' }
  const flags = { port: '0', data: folder, issuer: 'http://127.0.0.1:4400' }
  const quiet = { info() {}, warn() {}, error() {} }
  node = await serve(
    { ...readConfiguration({ environment, flags }), sign_up: 'open' },
    { log: quiet, masterKey: Buffer.alloc(32, 5).toString('base64url') },
  )
})

afterAll(async () => {
  await node.close()
  rmSync(folder, { recursive: true })
})

const post = (path: string, body: URLSearchParams | object): Promise<Response> =>
  fetch(`${node.address}${path}`, {
    method: 'POST',
    ...(body instanceof URLSearchParams
      ? { body }
      : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  })

/** The samples of a scrape: name and labels → value. */
async function scrape(): Promise<Map<string, number>> {
  const answer = await fetch(String(node.metricsAddress))
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const lines = (await answer.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

test('a scrape tells of requests, refreshes, refusals, commits, keys, followers and the process', async () => {
  await post('/v1/users', person)
  const login = (await (await post('/v1/sessions', { ...person, client_id: 'app' })).json()) as Record<string, string>
  const refresh = (token = ''): Promise<Response> =>
    post('/token', new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token: token }))
  await refresh(login.refresh_token)
  await refresh('nonsense')
  await fetch(`${node.address}/nowhere/maria@example.com`)
  await fetch(`${node.address}/v1/sessions/${login.session_id}`, { method: 'DELETE' })
  for (const method of ['PATCH', 'OPTIONS'])
    await fetch(`${node.address}/v1/sessions/${login.session_id}?x`, { method })
  const follower = new AbortController()
  const authorization = `Basic ${Buffer.from(`api:${apiSecret}`).toString('base64')}`
  await fetch(`${node.address}/revocations`, {
    headers: { authorization, accept: 'text/event-stream' },
    signal: follower.signal,
  })
  const samples = await scrape()
  follower.abort()
  expect(
    Object.fromEntries([...samples].filter(([name]) => /_total|_count|followers|_passwords|draining/.test(name))),
  ).toMatchObject({
    'countersign_http_request_duration_seconds_count{method="POST",route="/v1/users",status="201"}': 1,
    'countersign_http_request_duration_seconds_count{method="POST",route="/v1/sessions",status="201"}': 1,
    'countersign_http_request_duration_seconds_count{method="POST",route="/token",status="200"}': 1,
    'countersign_http_request_duration_seconds_count{method="POST",route="/token",status="400"}': 1,
    'countersign_http_request_duration_seconds_count{method="GET",route="none",status="404"}': 1,
    'countersign_http_request_duration_seconds_count{method="DELETE",route="/v1/sessions/:id",status="401"}': 1,
    'countersign_http_request_duration_seconds_count{method="PATCH",route="/v1/sessions/:id",status="405"}': 1,
    'countersign_http_request_duration_seconds_count{method="OPTIONS",route="/v1/sessions/:id",status="204"}': 1,
    'countersign_http_request_duration_seconds_count{method="GET",route="/revocations",status="200"}': 1,
    'countersign_refusals_total{reason="refresh_token_invalid"}': 1,
    'countersign_refusals_total{reason="not_found"}': 1,
    'countersign_refresh_decisions_total{row="6",reason=""}': 1,
    'countersign_refresh_decisions_total{row="1",reason="refresh_token_invalid"}': 1,
    'countersign_commit_duration_seconds_count{durable="true",outcome="committed"}': expect.any(Number),
    countersign_feed_followers: 1,
    'countersign_passwords{state="running"}': 0,
    'countersign_passwords{state="waiting"}': 0,
    countersign_draining: 0,
  })
  // A password is slow to judge, on any machine.
  const login201 = 'method="POST",route="/v1/sessions",status="201"'
  expect(samples.get(`countersign_http_request_duration_seconds_bucket{le="0.001",${login201}}`)).toBe(0)
  expect(samples.get(`countersign_http_request_duration_seconds_sum{${login201}}`)).toBeGreaterThan(0.001)
  expect(samples.get('countersign_keys{use="signing",algorithm="ES256",state="active"}')).toBe(1)
  expect(samples.get('countersign_active_key_age_seconds{use="signing",algorithm="ES256"}')).toBeGreaterThan(0)
  for (const name of [
    'countersign_feed_lag_seconds',
    'countersign_key_ring_age_seconds',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    expect(samples.has(name)).toBe(true)
  }
  expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e6)
  // Nothing of a person, an id or a token is a label.
  for (const secret of [person.email, login.session_id, login.refresh_token, login.access_token, apiSecret]) {
    expect([...samples.keys()].filter(name => name.includes(String(secret)))).toEqual([])
  }
})

test('metrics are at their own address alone, and the page about running it names every one of ours', async () => {
  expect((await fetch(`${node.address}/metrics`)).status).toBe(404)
  expect(new URL(String(node.metricsAddress)).hostname).toBe('127.0.0.1')
  expect((await fetch(String(node.metricsAddress).replace('/metrics', '/'))).status).toBe(404)
  const text = await (await fetch(String(node.metricsAddress))).text()
  const ours = [...text.matchAll(/^# TYPE (countersign_\w+)/gm)].map(([, name]) => name)
  const page = readFileSync(new URL('../../../../docs/operating.md', import.meta.url), 'utf8')
  const named = [...page.matchAll(/^\| `(countersign_\w+)/gm)].map(([, name]) => name)
  expect(named.sort()).toEqual(ours.sort())
})

test('a port that is in use stops the start, and names the key', async () => {
  const taken = Number(new URL(String(node.metricsAddress)).port)
  const other = mkdtempSync(join(tmpdir(), 'countersign-metrics-'))
  const flags = { port: '0', data: other, issuer: 'http://127.0.0.1:4400' }
  const configuration = { ...readConfiguration({ environment: {}, flags }), metrics_port: taken }
  await expect(serve(configuration, { log: { info() {}, warn() {}, error() {} } })).rejects.toThrow(
    `metrics_port: ${taken} is in use.`,
  )
  rmSync(other, { recursive: true })
})
