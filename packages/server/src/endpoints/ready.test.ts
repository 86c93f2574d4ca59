import { StoreUnavailable } from '@countersign/store'
import { afterEach, expect, test } from 'vitest'
import { get, logIn, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given } from '../testing/given.ts'

afterEach(closeGiven)

const standing = async (to: GivenServer): Promise<number[]> => [
  (await get(to, '/ready')).status,
  (await get(to, '/health')).status,
]

test('a node that can answer is ready, and the answer is not cached', async () => {
  const to = await given.server()
  const answer = await get(to, '/ready')
  expect([answer.status, answer.body, answer.headers['cache-control']]).toEqual([200, { status: 'ready' }, 'no-store'])
})

test('a node whose store is away is not ready, and is again once the store is back', async () => {
  let away = false
  const to = await given.server({
    wrapStore: store => ({
      ...store,
      loadIssuer: () => (away ? Promise.reject(new StoreUnavailable('away')) : store.loadIssuer()),
    }),
  })
  away = true
  const { status, headers } = await get(to, '/ready')
  expect([status, headers['retry-after']]).toEqual([503, '1'])
  away = false
  expect(await standing(to)).toEqual([200, 200])
})

test('a node that has not read its keys for too long is not ready, and reads them', async () => {
  const to = await given.server()
  to.setClock(to.now() + 61_000)
  expect((await get(to, '/ready')).status).toBe(503)
  await to.server.services.keys.read()
  expect(await standing(to)).toEqual([200, 200])
})

test('before an announced stop a node says that it is not ready, and answers everything else as ever', async () => {
  const timers = new Map<number, () => void>()
  const every = (milliseconds: number, action: () => void) => {
    timers.set(milliseconds, action)
    return () => void timers.delete(milliseconds)
  }
  const to = await given.server({ every, config: { drainNoticeSeconds: 7 } })
  await signUp(to)
  const login = await logIn(to)
  let hasClosed = false
  const closed = to.server.close({ announced: true }).then(() => {
    hasClosed = true
  })
  expect(await standing(to)).toEqual([503, 200])
  const answer = await refresh(to, login.refreshToken)
  expect([answer.status, answer.headers.connection]).toEqual([200, 'close'])
  expect(hasClosed).toBe(false)
  timers.get(7_000)?.()
  await closed
  expect(timers.size).toBe(0)
})

test('a stop that is not announced gives no notice', async () => {
  const to = await given.server({ every: () => () => {}, config: { drainNoticeSeconds: 7 } })
  await to.server.close()
})
