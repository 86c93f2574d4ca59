import { StoreUnavailable } from '@countersign/store'
import { afterEach, expect, test } from 'vitest'
import { get, logIn, refresh, signUp } from '../testing/calls.ts'
import { closeGiven, type GivenServer, given } from '../testing/given.ts'

afterEach(closeGiven)

const standing = async (to: GivenServer): Promise<number[]> => [
  (await get(to, '/ready')).status,
  (await get(to, '/health')).status,
]

const unavailable = {
  error: 'temporarily_unavailable',
  error_description: 'The service cannot answer right now.',
  reason: 'unavailable',
}

test('a node that can answer is ready, and the answer is not cached', async () => {
  const to = await given.server()
  const answer = await get(to, '/ready')
  expect([answer.status, answer.body, answer.headers['cache-control']]).toEqual([200, { status: 'ready' }, 'no-store'])
})

test('a node whose store is away is not ready, says so by a word, and is again once the store is back', async () => {
  let away = false
  const to = await given.server({
    wrapStore: store => ({
      ...store,
      loadIssuer: () => (away ? Promise.reject(new StoreUnavailable('away')) : store.loadIssuer()),
    }),
  })
  away = true
  for (const path of ['/ready', '/health']) {
    const { status, headers, body } = await get(to, path)
    expect([status, headers['retry-after'], body]).toEqual([503, '1', { ...unavailable, causes: ['store_away'] }])
  }
  to.setClock(to.now() + 61_000)
  expect((await get(to, '/health')).body.causes).toEqual(['store_away', 'keys_away'])
  away = false
  await to.server.services.keys.read()
  expect(await standing(to)).toEqual([200, 200])
})

test('a node that has not read its keys for too long is not ready, and reads them', async () => {
  const to = await given.server()
  to.setClock(to.now() + 61_000)
  for (const path of ['/ready', '/health']) {
    const { status, body } = await get(to, path)
    expect([status, body]).toEqual([503, { ...unavailable, causes: ['keys_away'] }])
    to.setClock(to.now() + 61_000)
  }
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
  expect((await get(to, '/ready')).body.causes).toEqual(['stopping'])
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
