import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createMemoryCounters, createMemoryStore, type Limit, type Store } from '@countersign/store'
import { storeContract } from '@countersign/store/contract-suite'
import * as given from '@countersign/store/given'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Lane, openLane } from './lane.ts'
import { createSharedCounters } from './shared-counters.ts'
import { tellCommits } from './tell-commits.ts'
import { besideTrouble } from './testing/beside-trouble.ts'
import { movingAddress } from './testing/moving-address.ts'
import { startValkey, type ValkeyServer } from './testing/valkey-server.ts'
import { createUseOnce } from './use-once.ts'

let server: ValkeyServer
const lanes: Lane[] = []

beforeAll(async () => {
  server = await startValkey({ password: 'a-password' })
})
afterAll(() => server.discard())
afterEach(async () => {
  for (const lane of lanes.splice(0)) await lane.close()
})

/** More than any machine needs for an answer: whoever is to be given up sooner says so. */
const patient = { patienceMs: 20_000, restMs: 20 }

/** A lane, and what becomes of it as it is told. */
async function lane(more: { url?: string; patienceMs?: number } = {}) {
  const changes: boolean[] = []
  const made = openLane({ url: server.url, ...patient, ...more, onChange: isThere => void changes.push(isThere) })
  lanes.push(made)
  await expect.poll(() => made.isThere()).toBe(true)
  return Object.assign(made, { changes })
}

test('a server that is not there at the start is told of, not only one that goes', async () => {
  const { promise: told, resolve } = Promise.withResolvers<boolean>()
  const nowhere = openLane({ url: 'redis://127.0.0.1:1', onChange: resolve })
  lanes.push(nowhere)
  expect(await told).toBe(false)
  expect(nowhere.isThere()).toBe(false)
})

describe('the store beside a server that is killed, paused and emptied', () => {
  const engine = besideTrouble({
    reopens: false,
    async open(options) {
      const store = createMemoryStore(options)
      return { store, reopen: async () => store, discard: store.close }
    },
  })
  beforeAll(() => engine.begin(server))
  afterAll(async () => {
    const { rounds, gone, back } = await engine.end()
    expect(rounds).toBeGreaterThan(10)
    expect(Math.min(gone, back)).toBeGreaterThanOrEqual(2 * rounds)
  })

  storeContract({ describe, test, expect }, engine)
})

describe('nodes', () => {
  /** A node that hears nothing of the store's own accord. */
  const deaf = (store: Store): Store => ({ ...store, feed: { ...store.feed, subscribe: () => () => {} } })
  const revocation = given.change([], { entries: [{ kind: 'token', id: 'jti', until: 9_000_000_000 }] })

  test('hear of entries that another has committed, and again after the server was restarted', async () => {
    const store = createMemoryStore(given.storeOptions(given.clock()))
    const [here, there] = [tellCommits(deaf(store), await lane()), tellCommits(deaf(store), await lane())]
    const heard = new EventTarget()
    there.feed.subscribe(() => void heard.dispatchEvent(new Event('heard')))
    await once(heard, 'heard')
    const again = once(heard, 'heard')
    expect(await here.commit(revocation)).toBe('committed')
    await again
    const afterRestart = once(heard, 'heard')
    await server.kill()
    expect(await here.commit(revocation)).toBe('committed')
    await server.start()
    await afterRestart
    expect((await there.feed.snapshot()).entries).toHaveLength(2)
  })
})

describe('counters', () => {
  const six: Limit = { kind: 'logins', attempts: 6, windowSeconds: 3_600 }
  let key = ''
  let keys = 0
  beforeEach(() => {
    key = `key ${keys++}`
  })

  const node = (on: Lane) => createSharedCounters(createMemoryCounters(Date.now), on, 'a system')

  test('are those of all nodes together', async () => {
    const [here, there] = [node(await lane()), node(await lane())]
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? here : there).take(six, key)),
    )
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(6)
    const refused = await there.take(six, key)
    expect(refused.allowed).toBe(false)
    expect(refused.retryAfterSeconds).toBeGreaterThan(500)
    expect(refused.retryAfterSeconds).toBeLessThanOrEqual(600)
    await here.giveBack(six, key)
    expect((await here.take(six, key)).allowed).toBe(true)
    await here.clear(six, key)
    expect((await here.take(six, key)).allowed).toBe(true)
  })

  test('of several limits are decided in one step, at all nodes together: under all or none; and each of others, unless the node itself remembers the key, whatever the server holds', async () => {
    const mine = await lane()
    const [here, there] = [node(mine), node(await lane())]
    const two: Limit = { kind: 'first logins', attempts: 2, windowSeconds: 3_600 }
    const one: Limit = { kind: 'rare logins', attempts: 1, windowSeconds: 60 }
    const under = (...limits: Limit[]) => limits.map(limit => ({ limit, key }))
    const every = { all: under(six), each: under(one, two), unlessRemembered: key }
    const answers = await Promise.all([here.takeTogether(every), there.takeTogether(every)])
    expect(answers.map(({ allowed, isRemembered }) => [allowed, isRemembered])).toEqual([
      [true, false],
      [true, false],
    ])
    expect(answers.map(({ each }) => each.map(({ allowed }) => allowed)).toSorted()).toEqual([
      [false, true],
      [true, true],
    ])
    expect(answers.flatMap(({ each }) => each).find(({ allowed }) => !allowed)?.retryAfterSeconds).toBeGreaterThan(50)
    // The third of two: nothing is counted under six for it.
    expect(await here.takeTogether({ all: under(six, two) })).toMatchObject({ allowed: false, each: [] })
    await here.remember(key, 60)
    expect(await here.takeTogether(every)).toMatchObject({ allowed: true, isRemembered: true, each: [] })
    await mine.ask(valkey => valkey.set(`countersign {a system} remembered ${key}`, ''))
    const elsewhere = await there.takeTogether(every)
    expect([elsewhere.isRemembered, elsewhere.each.map(({ allowed }) => allowed)]).toEqual([false, [false, false]])
    const left = Array.from({ length: 6 }, (_, index) => (index % 2 ? here : there).take(six, key))
    expect((await Promise.all(left)).filter(({ allowed }) => allowed)).toHaveLength(2)
    // Neither has one of its own kept for what was refused: as soon as one is given back, the other can have it.
    await there.giveBack(one, key)
    expect((await here.take(one, key)).allowed || (await there.take(one, key)).allowed).toBe(true)
  })

  test('of a server that was emptied are those of each node', async () => {
    const [here, there] = [node(await lane()), node(await lane())]
    for (let times = 0; times < 6; times++) expect((await here.take(six, key)).allowed).toBe(true)
    expect((await there.take(six, key)).allowed).toBe(false)
    await server.flush()
    expect((await here.take(six, key)).allowed).toBe(false)
    expect((await there.take(six, key)).allowed).toBe(true)
  })

  test('of a server whose clock was set back go on from now, as those of a node do; what others have put there shuts nobody out, and ends with the next', async () => {
    const mine = await lane()
    const here = node(mine)
    const name = `countersign {a system} logins ${key}`
    await mine.ask(valkey => valkey.hset(name, 'tokens', '0', 'time', '9000000000000'))
    expect(await here.take(six, key)).toEqual({ allowed: false, retryAfterSeconds: 600 })
    expect(Number((await mine.ask(valkey => valkey.hget(name, 'time')))?.answer)).toBeLessThan(9e12)
    expect((await mine.ask(valkey => valkey.pttl(name)))?.answer).toBeGreaterThan(3_000_000)
    for (const tokens of ['-inf', '-1e300', 'nan', 'many']) {
      await mine.ask(valkey => valkey.hset(name, 'tokens', tokens))
      expect([tokens, await node(mine).take(six, key)]).toEqual([tokens, { allowed: true, retryAfterSeconds: 0 }])
    }
    await mine.ask(valkey => valkey.set(name, 'no bucket'))
    expect((await node(mine).take(six, key)).allowed).toBe(true)
    expect(mine.isThere()).toBe(true)
    expect((await mine.ask(valkey => valkey.hget(name, 'tokens')))?.answer).toBe('5')
  })

  test('go on alone while the server is paused, at the price of one wait, and together when it is back', async () => {
    const [mine, other] = [await lane({ patienceMs: 1_000 }), await lane()]
    const [here, there] = [node(mine), node(other)]
    server.pause()
    try {
      const answers = await Promise.all(Array.from({ length: 8 }, () => here.take(six, key)))
      expect(answers.filter(({ allowed }) => allowed)).toHaveLength(6)
      expect(mine.changes).toEqual([true, false])
    } finally {
      server.resume()
    }
    // Who asks does not wait, but lets the server be looked for.
    await expect.poll(async () => [await here.giveBack(six, 'nobody'), mine.isThere()]).toEqual([undefined, true])
    await expect.poll(async () => [await there.giveBack(six, 'nobody'), other.isThere()]).toEqual([undefined, true])
    for (let times = 0; times < 6; times++) expect((await here.take(six, `${key} again`)).allowed).toBe(true)
    expect((await there.take(six, `${key} again`)).allowed).toBe(false)
  })
})

test('what is used by fifty at once at two nodes is used once; what was used before the server was emptied or went, nobody knows there', async () => {
  const [here, there] = [createUseOnce(await lane(), 'a system'), createUseOnce(await lane(), 'a system')]
  const tries = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? here : there)('a proof', 60_000))
  expect((await Promise.all(tries)).filter(first => first)).toHaveLength(1)
  expect(await createUseOnce(await lane(), 'another system')('a proof', 60_000)).toBe(true)
  await server.flush()
  expect([await here('a proof', 60_000), await there('a proof', 60_000)]).toEqual([true, false])
  await server.kill()
  try {
    expect([await here('a proof', 60_000), await there('a proof', 60_000)]).toEqual([true, true])
  } finally {
    await server.start()
  }
})

test('what was done, but not answered, is not asked again: whoever uses something for the first time is let through', async () => {
  const address = await movingAddress(server.port)
  try {
    const mine = await lane({ url: `redis://:a-password@127.0.0.1:${address.port}` })
    const use = createUseOnce(mine, 'a system')
    // Then no other answer is on its way.
    await new Promise<void>(resolve => mine.hear('a channel', resolve))
    address.loseNextAnswer()
    expect(await use('a proof whose answer is lost', 60_000)).toBe(true)
    await expect.poll(() => mine.isThere()).toBe(true)
    expect(await use('a proof whose answer is lost', 60_000)).toBe(false)
    expect(mine.changes).toEqual([true, false, true])
  } finally {
    address.close()
  }
})

test('a replica is as one that is away, however often it is looked for, until the address has moved on to the primary', async () => {
  const replica = await startValkey({ password: 'a-password', settings: ['--replicaof', '127.0.0.1', '1'] })
  const address = await movingAddress(replica.port)
  try {
    const changes: boolean[] = []
    const asked = Promise.withResolvers<void>()
    const mine = openLane({
      url: `redis://:a-password@127.0.0.1:${address.port}`,
      restMs: 20,
      onChange(isThere) {
        changes.push(isThere)
        asked.resolve()
      },
    })
    lanes.push(mine)
    await asked.promise
    expect(await mine.ask(valkey => valkey.set('a key', 'a value'))).toBeUndefined()
    address.moveTo(server.port)
    await expect.poll(() => mine.isThere(), { timeout: 20_000 }).toBe(true)
    expect(changes).toEqual([false, true])
  } finally {
    address.close()
    await replica.discard()
  }
})

test('who only listens is led on from a server that was demoted, too: it keeps its connections, and refuses none of what they ask', async () => {
  const [demoted, primary] = [await startValkey(), await startValkey()]
  const address = await movingAddress(demoted.port)
  try {
    const mine = openLane({ url: `redis://127.0.0.1:${address.port}`, restMs: 20, lookEveryMs: 20 })
    const [before, after] = [demoted, primary].map(({ url }) => openLane({ url, ...patient })) as [Lane, Lane]
    lanes.push(mine, before, after)
    const listeners = async (where: Lane): Promise<unknown> =>
      (await where.ask(valkey => valkey.pubsub('NUMSUB', 'a channel')))?.answer
    mine.hear('a channel', () => {})
    await expect.poll(() => listeners(before)).toEqual(['a channel', 1])
    address.moveTo(primary.port)
    await before.ask(valkey => valkey.replicaof('127.0.0.1', 1))
    await expect.poll(() => listeners(after), { timeout: 20_000 }).toEqual(['a channel', 1])
  } finally {
    address.close()
    await Promise.all([demoted, primary].map(one => one.discard()))
  }
})

test('a user who may use no channel is told of once, however often it is tried, and the lane is there all the same', async () => {
  const own = await startValkey({ settings: '--user mute on >mute-word ~* &none +@all'.split(' ') })
  try {
    const deaf: string[] = []
    const changes: boolean[] = []
    const url = `redis://mute:mute-word@127.0.0.1:${own.port}`
    const mine = openLane({
      url,
      ...patient,
      onDeaf: () => void deaf.push('deaf'),
      onChange: isThere => void changes.push(isThere),
    })
    lanes.push(mine)
    await expect.poll(() => mine.isThere()).toBe(true)
    for (const channel of ['one', 'another', 'a third']) mine.hear(channel, () => {})
    await expect.poll(() => deaf).toEqual(['deaf'])
    mine.tell('one')
    expect(await mine.ask(valkey => valkey.get('countersign'))).toEqual({ answer: null })
    expect(changes).toEqual([true])
    await own.cut()
    const denied = async (): Promise<unknown> =>
      (await mine.ask(valkey => valkey.acl('LOG')))?.answer as readonly unknown[] | undefined
    await expect.poll(denied).toEqual(expect.arrayContaining([expect.arrayContaining(['one'])]))
    await expect.poll(() => mine.isThere()).toBe(true)
    expect(deaf).toEqual(['deaf'])
  } finally {
    await own.discard()
  }
})

test('a server that is not there holds up nothing: a node starts, counts and ends without', async () => {
  const alone = openLane({ url: 'redis://:a-password@127.0.0.1:1' })
  const counters = createSharedCounters(createMemoryCounters(Date.now), alone, 'a system')
  const one: Limit = { kind: 'logins', attempts: 1, windowSeconds: 60 }
  expect((await counters.take(one, 'a')).allowed).toBe(true)
  expect((await counters.take(one, 'a')).allowed).toBe(false)
  expect(alone.isThere()).toBe(false)
  await alone.close()
})

test('who answers what no script of ours does is as one who is away: each node counts alone', async () => {
  // Says yes to everything, as something in between might.
  const other = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', asked => socket.write('+OK\r\n'.repeat(String(asked).match(/^\*/gm)?.length ?? 0)))
  })
  await once(other.listen(0, '127.0.0.1'), 'listening')
  const { port } = other.address() as AddressInfo
  const mine = openLane({ url: `redis://127.0.0.1:${port}` })
  lanes.push(mine)
  await expect.poll(() => mine.isThere()).toBe(true)
  const counters = createSharedCounters(createMemoryCounters(Date.now), mine, 'a system')
  const one: Limit = { kind: 'logins', attempts: 1, windowSeconds: 60 }
  expect([await counters.take(one, 'a'), (await counters.take(one, 'a')).allowed]).toEqual([
    { allowed: true, retryAfterSeconds: 0 },
    false,
  ])
  other.close()
})
