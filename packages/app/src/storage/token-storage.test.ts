import { expect, test } from 'vitest'
import type { StoredSession, TokenStorage } from '../stored-session.ts'
import { checkTokenStorage, textStorageOf } from '../testing/storage-contract.ts'
import { apiUrl, createWorld, credentials, type World } from '../testing/world.ts'
import { createMemoryRecord, memoryStorage } from './memory.ts'
import { localStorageStorage, sessionStorageStorage } from './web-storage.ts'

const echo = `${apiUrl}/api/echo`

for (const [name, make] of Object.entries({
  memory: () => memoryStorage(),
  'shared memory': () => memoryStorage(createMemoryRecord()),
  localStorage: () => localStorageStorage('x', { area: textStorageOf(), events: new EventTarget() }),
  sessionStorage: () => sessionStorageStorage('x', { area: textStorageOf() }),
})) {
  test(`${name} keeps the contract of a token storage`, async () => {
    expect(await checkTokenStorage(make())).toEqual([])
  })
}

test('localStorage hears of what other tabs write to its own record, and of nothing else', () => {
  const events = new EventTarget()
  let heard = 0
  const end = localStorageStorage('mine', { area: textStorageOf(), events }).subscribe(() => heard++)
  const fire = (key: string | null) => events.dispatchEvent(Object.assign(new Event('storage'), { key }))
  fire('mine')
  fire('other')
  fire(null)
  end()
  fire('mine')
  expect(heard).toBe(2)
})

/** A storage whose operations can be made to fail. */
function breakable(storage: TokenStorage): TokenStorage & { broken: 'nothing' | 'reads' | 'writes' | 'all' | 'hangs' } {
  const judged = async <T>(kind: 'reads' | 'writes', work: () => Promise<T>): Promise<T> => {
    if (wrapped.broken === 'hangs') return new Promise(() => {})
    if (wrapped.broken === kind || wrapped.broken === 'all') throw new DOMException('no', 'QuotaExceededError')
    return work()
  }
  const wrapped = {
    ...storage,
    broken: 'nothing' as 'nothing' | 'reads' | 'writes' | 'all' | 'hangs',
    get: () => judged('reads', () => storage.get()),
    compareAndSet: (expected: string | undefined, next: StoredSession) =>
      judged('writes', () => storage.compareAndSet(expected, next)),
    remove: (expected: string) => judged('writes', () => storage.remove(expected)),
  }
  return wrapped
}

test('the quota is used up: the new tokens stay in memory, and are written when there is room again', async () => {
  const world = createWorld()
  const storage = breakable(memoryStorage(world.record))
  const tab = world.tab({ storage })
  await world.until(tab.app.signIn(credentials))
  storage.broken = 'writes'
  for (let round = 1; round <= 3; round++) {
    world.issuer.expireAll()
    expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
  }
  storage.broken = 'nothing'
  await world.pass(31_000)
  expect(world.record.session).toMatchObject({ refreshToken: 'cs_rt_f1.3' })
  const other = world.tab()
  expect(await world.until(other.app.getToken())).toBe(await world.until(tab.app.getToken()))
  expect(world.issuer.counts).toMatchObject({ rotations: 3, reuses: 0 })
})

test('a private window without storage: one can sign in, work and sign out, in this tab', async () => {
  for (const dpop of [true, false]) {
    const world = createWorld()
    const storage = breakable(memoryStorage(world.record))
    storage.broken = 'all'
    const tab = world.tab({ storage, dpop })
    await world.settle()
    expect(tab.app.state.status).toBe('degraded')
    expect((await world.until(tab.app.signIn(credentials))).refused).toBe(false)
    expect(tab.app.state).toEqual({ status: 'fresh' })
    for (let round = 1; round <= 3; round++) {
      await world.pass(900_000)
      expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
    }
    await world.until(tab.app.signOut())
    expect(tab.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
    expect(world.issuer.counts).toMatchObject({ reuses: 0, revocations: 1 })
  }
})

async function reopened(kind: 'reads' | 'hangs'): Promise<World> {
  const world = createWorld()
  await world.until(world.tab().app.signIn(credentials))
  const storage = breakable(memoryStorage(world.record))
  storage.broken = kind
  const tab = world.tab({ storage })
  await world.until(tab.app.ready)
  expect(tab.app.state.status).toBe('degraded')
  await expect(world.until(tab.app.getToken())).rejects.toMatchObject({ code: 'unavailable' })
  storage.broken = 'nothing'
  await world.pass(61_000)
  expect(tab.app.state).toEqual({ status: 'fresh' })
  return world
}

test('a storage that cannot be read at start (a locked keychain) is unavailable, not signed out', async () => {
  const world = await reopened('reads')
  expect(world.posts('/token')).toBe(0)
})

test('a storage that never answers is unavailable, not signed out', async () => {
  const world = await reopened('hangs')
  expect(world.posts('/token')).toBe(0)
})

test('a storage that fails while a login is used: bound, it is renewed from memory; unbound, it waits', async () => {
  for (const dpop of [true, false]) {
    const world = createWorld({ lifetimeSeconds: 300 })
    const storage = breakable(memoryStorage(world.record))
    const tab = world.tab({ storage, dpop })
    await world.until(tab.app.signIn(credentials))
    storage.broken = 'all'
    await world.pass(301_000)
    if (dpop) expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
    else await expect(world.until(tab.app.fetch(echo))).rejects.toMatchObject({ code: 'unavailable' })
    storage.broken = 'nothing'
    await world.pass(61_000)
    expect((await world.until(tab.app.fetch(echo))).status).toBe(200)
    expect(world.issuer.counts).toMatchObject({ rotations: 1, reuses: 0 })
  }
})

test('a sign-out that cannot be written is written later, and other tabs then hear of it', async () => {
  const world = createWorld()
  const storage = breakable(memoryStorage(world.record))
  const [tab, other] = [world.tab({ storage }), world.tab()]
  await world.until(tab.app.signIn(credentials))
  storage.broken = 'all'
  tab.online = false
  await world.until(tab.app.signOut())
  expect(tab.app.state.status).toBe('signedOut')
  storage.broken = 'nothing'
  await world.pass(61_000)
  expect(other.app.state).toEqual({ status: 'signedOut', reason: 'signed_out' })
})
