import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfiguration } from '../packages/cli/src/configuration.ts'
import { type RunningSystem, serve } from '../packages/cli/src/serve.ts'
import { findFaketime } from '../tools/faketime-path.ts'
import { configuration, logIn, refresh, signUp } from './testing/app-install.ts'
import { call } from './testing/http-call.ts'

/** What stands in this file is what the database's clock is ahead. */
let clock: string
let folder: string
let database: Cluster
let node: RunningSystem
const said: string[] = []

beforeAll(async () => {
  const library = findFaketime()
  if (library === undefined) throw new Error('libfaketime is missing: npm test installs it, or says how')
  folder = mkdtempSync(join(tmpdir(), 'countersign-clock-'))
  // PostgreSQL reads it as another user.
  chmodSync(folder, 0o755)
  clock = join(folder, 'clock')
  writeFileSync(clock, '+0')
  database = await startCluster({
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  })
  const say = (facts: object, text: string): void => void said.push(`${text} ${JSON.stringify(facts)}`)
  const { clients } = configuration
  node = await serve(
    {
      ...readConfiguration({
        environment: {
          COUNTERSIGN_METRICS_PORT: '0',
          COUNTERSIGN_UNSAFE_REFRESH_POLICY: 'true',
          COUNTERSIGN_CLIENTS: JSON.stringify(clients),
        },
        flags: { data: join(folder, 'node'), database: database.url, issuer: 'http://127.0.0.1:4400', port: 0 },
      }),
      sign_up: 'open',
    },
    { masterKey: Buffer.alloc(32, 5).toString('base64url'), log: { info: say, warn: say, error: say } },
  )
  await signUp(node.address)
})

afterAll(async () => {
  await node?.close()
  await database?.discard()
  rmSync(folder, { recursive: true })
})

test.each(['+40d', '-1h', '+1h'])(
  'a database whose clock is wrong (%s) costs nobody their login: 503 until it is right again, which the log says once',
  async shift => {
    const login = await logIn(node.address)
    const before = said.length
    writeFileSync(clock, shift)
    for (let times = 0; times < 3; times++) {
      const answer = await refresh(node.address, login)
      expect([answer?.status, answer?.headers['retry-after'], answer?.json.reason]).toEqual([503, '5', 'unavailable'])
    }
    for (const path of ['/ready', '/health']) {
      const { status, json } = await call(`${node.address}${path}`)
      expect([status, json.causes]).toEqual([503, ['clock_wrong']])
    }
    const { text } = await call(String(node.metricsAddress))
    const ahead = Number(/^countersign_store_clock_ahead_seconds (.*)$/m.exec(text)?.[1])
    expect(Math.sign(ahead)).toBe(shift.startsWith('+') ? 1 : -1)
    writeFileSync(clock, '+0')
    expect((await refresh(node.address, login))?.status).toBe(200)
    expect((await call(`${node.address}/ready`)).status).toBe(200)
    const about = said.slice(before).filter(line => line.includes('clock') && !line.startsWith('unavailable'))
    expect(about.map(line => line.replace(/ \{.*/, ''))).toEqual([
      'the database’s clock or this node’s is wrong: nothing is answered until they agree',
      'the clocks of the database and of this node agree again',
    ])
  },
)

test('clocks that differ as clocks do are no reason to refuse', async () => {
  const login = await logIn(node.address)
  writeFileSync(clock, '+90')
  expect((await refresh(node.address, login))?.status).toBe(200)
  writeFileSync(clock, '+0')
})
