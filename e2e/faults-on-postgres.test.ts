import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningNodes, startNodes } from '../examples/cluster/src/start-nodes.ts'
import { configuration, type Install, logIn, refresh, revoke, signUp, tryLogIn } from './testing/app-install.ts'
import type { Answer } from './testing/http-call.ts'

let running: RunningNodes
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-faults-'))
  const file = join(folder, 'countersign.json')
  writeFileSync(file, JSON.stringify({ ...configuration, trusted_proxies: ['127.0.0.1'], drain_notice_seconds: 0 }))
  running = await startNodes({ configuration: file, count: 2 })
  await signUp(running.issuer)
})
afterAll(async () => {
  await running?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Somebody who does the same again and again. What is no answer, and no 503 that says when to come again, is wrong. */
function again(act: () => Promise<Answer | undefined>) {
  const state = { stopped: false, good: 0, away: 0, wrong: [] as string[] }
  const going = (async () => {
    while (!state.stopped) {
      const answer = await act()
      if (answer !== undefined && answer.status < 300) state.good++
      else if (answer?.status === 503 && answer.headers['retry-after'] !== undefined) state.away++
      else state.wrong.push(`${answer?.status} ${answer?.text}`)
    }
  })()
  return {
    state,
    async stop(): Promise<void> {
      state.stopped = true
      await going
    },
  }
}

test('PostgreSQL is killed, stands still and is restarted under load on two nodes: 503 or an answer, nobody is logged out, what was acknowledged stands', async () => {
  const { issuer, database } = running
  const installs = await Promise.all([1, 2, 3].map(() => logIn(issuer)))
  const acknowledged: Install[] = []
  const ended: Install[] = []
  const load = [
    ...installs.map(install => again(() => refresh(issuer, install))),
    again(async () => {
      const done = await tryLogIn(issuer)
      if (done?.answer.status === 201) acknowledged.push(done.install)
      return done?.answer
    }),
    again(async () => {
      const done = await tryLogIn(issuer)
      if (done?.answer.status !== 201) return done?.answer
      const answer = await revoke(issuer, done.install)
      if (answer?.status === 200) ended.push(done.install)
      return answer
    }),
  ]

  /** Everybody has had a good answer since. */
  async function allGoOn(): Promise<void> {
    const before = load.map(({ state }) => state.good)
    await expect
      .poll(() => load.every(({ state }, index) => state.good > (before[index] ?? 0)), { timeout: 60_000 })
      .toBe(true)
  }
  /** Somebody has been told to come again since. */
  async function isFelt(): Promise<void> {
    const awayNow = (): number => load.reduce((sum, { state }) => sum + state.away, 0)
    const before = awayNow()
    await expect.poll(awayNow, { timeout: 60_000 }).toBeGreaterThan(before)
  }

  await allGoOn()
  await database.stop('immediate')
  await isFelt()
  await database.start()
  await allGoOn()
  database.pause()
  await isFelt()
  database.resume()
  await allGoOn()
  await database.stop('fast')
  await database.start()
  await allGoOn()
  await Promise.all(load.map(one => one.stop()))

  expect(load.flatMap(({ state }) => state.wrong)).toEqual([])
  for (const install of [...installs, ...acknowledged]) expect((await refresh(issuer, install))?.status).toBe(200)
  for (const install of ended) expect((await refresh(issuer, install))?.json.reason).toBe('session_ended')
  expect(Math.min(acknowledged.length, ended.length)).toBeGreaterThan(0)
  const [first, second] = await Promise.all(
    running.nodes.map(({ address }) => refresh(`http://${address}`, installs[0] as Install)),
  )
  expect([first?.status, second?.status]).toEqual([200, 200])
})
