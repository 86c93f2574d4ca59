import { expect, test } from 'vitest'
import { apiUrl, createWorld, credentials } from './testing/world.ts'

test('a login is bound to a key, and its tokens are shared by all tabs', async () => {
  const world = createWorld()
  const first = world.tab()
  const second = world.tab()
  await world.settle()
  expect(first.app.state).toEqual({ status: 'signedOut', reason: 'none' })
  const result = await world.until(first.app.signIn(credentials))
  expect(result).toEqual({ refused: false, sessionId: expect.stringMatching(/^session-/) })
  await world.settle()
  expect(second.app.state).toEqual({ status: 'fresh' })
  expect(second.app.bound).toBe(true)
  expect(await second.app.getToken()).toBe(await first.app.getToken())
})

test('50 calls in each of 10 tabs at each of 20 expiries: rotations = expiries, every call 200', async () => {
  const world = createWorld()
  const tabs = Array.from({ length: 10 }, () => world.tab())
  await world.until(world.tab().app.signIn(credentials))
  for (let round = 1; round <= 20; round++) {
    world.issuer.expireAll()
    const calls = tabs.flatMap(({ app }) => Array.from({ length: 50 }, () => app.fetch(`${apiUrl}/api/echo`)))
    const answers = await world.until(Promise.all(calls))
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([200]))
    expect(world.issuer.counts.rotations).toBe(round)
  }
  expect(world.issuer.counts).toMatchObject({ posts: 20, reuses: 0, revocations: 0, logins: 1 })
})
