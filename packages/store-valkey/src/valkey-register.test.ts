import { execFileSync } from 'node:child_process'
import {
  createMemoryStore,
  type KeyRingSnapshot,
  type RingRegister,
  ringInRegister,
  StoreUnavailable,
} from '@countersign/store'
import * as given from '@countersign/store/given'
import { ringRegisterContract, toldBy } from '@countersign/store/ring-register-contract'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isOfReplica, isOfRights } from './connect.ts'
import { openValkeyRegister, type ValkeyRegisterOptions } from './open-valkey-register.ts'
import { parseValkeyRingUrl } from './ring-url.ts'
import { findValkey } from './testing/find-valkey.ts'
import { movingAddress } from './testing/moving-address.ts'
import { startValkey, type ValkeyServer } from './testing/valkey-server.ts'

let server: ValkeyServer
const opened: RingRegister[] = []
beforeAll(async () => {
  server = await startValkey()
})
afterAll(() => server.discard())
afterEach(() => Promise.all(opened.splice(0).map(register => register.close())))

let places = 0
function place(): ValkeyRegisterOptions {
  const where = { host: '127.0.0.1', port: server.port }
  const path = `/test-${++places}/keys`
  return {
    server: where,
    path,
    credentials: undefined,
    isSecure: false,
    patienceMilliseconds: 20,
  }
}

function open(options: ValkeyRegisterOptions): RingRegister {
  const register = openValkeyRegister(options)
  opened.push(register)
  return register
}

describe('Valkey', () => {
  ringRegisterContract(
    { describe, test, expect },
    {
      server: () => server,
      open(waits) {
        const here = { ...place(), answerMilliseconds: waits === 'shortly' ? 1_000 : 20_000 }
        return [openValkeyRegister(here), openValkeyRegister(here)]
      },
    },
  )
})

test('who has read a text that was lost since writes nothing, whatever stands there now', async () => {
  const register = open(place())
  await register.replace('one', undefined)
  const { stamp } = (await register.read()) ?? {}
  await server.flush()
  expect(await register.read()).toBeUndefined()
  expect(await register.replace('two', stamp)).toBe('conflict')
  expect(await register.replace('one', undefined)).toBe('committed')
  expect(await register.replace('two', stamp)).toBe('conflict')
  expect((await register.read())?.text).toBe('one')
})

test('emptied, and gone back to what stood there before, at any step of nodes that turn the ring: of each edition there is one ring, none is lost, each turn is told once', async () => {
  const store = createMemoryStore(given.storeOptions(given.clock()))
  const here = place()
  const trouble = open(here)
  let steps = 0
  /** Something happens at every third step of whoever it is. */
  async function troubled<T>(step: () => Promise<T>): Promise<T> {
    if (++steps % 3 === 0) await server.flush()
    if (steps % 15 === 0 && before !== undefined) await trouble.replace(before, undefined)
    return step()
  }
  let before: string | undefined
  const nodes = [1, 2, 3].map(() => {
    const register = open(here)
    return ringInRegister({
      store: { ...store, commit: change => troubled(() => store.commit(change)) },
      register: {
        ...register,
        read: () => troubled(register.read),
        async replace(text, stamp) {
          const outcome = await troubled(() => register.replace(text, stamp))
          if (outcome === 'committed' && steps % 7 === 0) before = text
          return outcome
        },
      },
      sealingKey: Buffer.alloc(32, 3),
      random: given.random,
    })
  })
  const used = new Map<number, string>()
  let [committed, made] = [0, 0]
  /** Whoever is told that the ring is being changed all the time comes again. */
  async function load(node: (typeof nodes)[number]): Promise<KeyRingSnapshot> {
    for (;;) {
      try {
        return await node.load()
      } catch (error) {
        if (!(error instanceof StoreUnavailable && error.message.includes('by others all the time'))) throw error
      }
    }
  }
  async function turn(node: (typeof nodes)[number]): Promise<void> {
    const loaded = await load(node)
    use(loaded.keyRing)
    const newest = loaded.keyRing.refresh[0]?.id ?? 0
    const next = { state: 'next', createdAt: ++made, activatedAt: null, retiringAt: null, retiredAt: null } as const
    if ((await node.commit(loaded, { ...loaded.keyRing, refresh: [{ id: newest + 1, ...next }] })) === 'committed') {
      committed++
    }
  }
  /** A ring that a node has loaded is one that it may sign by. */
  function use({ edition = 0, refresh }: KeyRingSnapshot['keyRing']): void {
    const known = used.get(edition)
    if (known !== undefined) expect(JSON.stringify(refresh)).toBe(known)
    used.set(edition, JSON.stringify(refresh))
  }
  // How many of their turns meet with trouble is chance: they go on until enough have stood.
  await Promise.all(
    nodes.map(async node => {
      for (let round = 0; round < 15 || committed < 6; round++) await turn(node)
    }),
  )
  const rings = await Promise.all(nodes.map(async node => (await load(node)).keyRing))
  rings.forEach(use)
  const turns = rings[0]?.refresh[0]?.id ?? 0
  // Whose ring another one has copied and turned meanwhile is told of a conflict, and looks again.
  expect(turns).toBeGreaterThanOrEqual(committed)
  expect(await store.readAudit(0, 10_000)).toHaveLength(turns)
})

test('a text that is far too long for a key ring is refused, and stays on the server', async () => {
  const here = place()
  const register = open(here)
  await register.replace('one', undefined)
  const other = new Redis(server.port)
  try {
    const sent = async (): Promise<number> =>
      Number(/total_net_output_bytes:(\d+)/.exec(await other.info('stats'))?.[1])
    for (const field of ['text', 'stamp']) {
      const before = await other.hget(here.path, field)
      await other.hset(here.path, field, 'x'.repeat(2_000_000))
      const bytes = await sent()
      await expect(register.read()).rejects.toMatchObject({
        name: 'StoreUnavailable',
        message: 'What stands in Valkey in the place of the key ring is too long for one.',
      })
      expect((await sent()) - bytes).toBeLessThan(100_000)
      await other.hset(here.path, field, before ?? '')
    }
    expect((await register.read())?.text).toBe('one')
  } finally {
    other.disconnect()
  }
})

test('a replica is not believed: it may lag behind; once the address has moved on to the primary, that is asked', async () => {
  const replica = await startValkey({ settings: ['--replicaof', '127.0.0.1', `${server.port}`] })
  const address = await movingAddress(replica.port)
  try {
    const [reads, writes] = [1, 2].map(() => open({ ...place(), server: { host: '127.0.0.1', port: address.port } }))
    await expect(reads?.read()).rejects.toThrow('is a replica')
    await expect(writes?.replace('text', undefined)).rejects.toThrow('is a replica')
    address.moveTo(server.port)
    const outcome = (): Promise<unknown> | undefined =>
      writes?.replace('text', undefined).catch((error: Error) => error.message)
    await expect.poll(outcome, { timeout: 20_000 }).toBe('committed')
  } finally {
    address.close()
    await replica.discard()
  }
})

test('who watches is led on from a server that was demoted, with who asks', async () => {
  const [demoted, primary] = [await startValkey(), await startValkey()]
  const address = await movingAddress(demoted.port)
  const masters = [demoted, primary].map(({ url }) => new Redis(url)) as [Redis, Redis]
  try {
    const here = { ...place(), server: { host: '127.0.0.1', port: address.port } }
    const register = open(here)
    register.watch(() => {})
    const watchers = (where: Redis): Promise<unknown> => where.pubsub('NUMSUB', here.path)
    await expect.poll(() => watchers(masters[0])).toEqual([here.path, 1])
    expect(await register.replace('text', undefined)).toBe('committed')
    address.moveTo(primary.port)
    await masters[0].replicaof('127.0.0.1', 1)
    const found = (): Promise<unknown> => register.read().catch((error: Error) => error.message)
    await expect.poll(found, { timeout: 20_000 }).toBeUndefined()
    await expect.poll(() => watchers(masters[1]), { timeout: 20_000 }).toEqual([here.path, 1])
  } finally {
    for (const master of masters) master.disconnect()
    address.close()
    await Promise.all([demoted, primary].map(one => one.discard()))
  }
})

test('a replica is known by what Redis 6 says of a script, too', () => {
  const said =
    "ERR Error running script (call to f_1): @user_script:2: @user_script: 2: -READONLY You can't write against a read only replica."
  expect(isOfReplica(new Error(said))).toBe(true)
})

test('who may not do what a script does is known by what Redis 6, Redis 7 and Valkey 8 say', () => {
  const said = [
    "ERR Error running script (call to f_1): @user_script:2: @user_script: 2: The user executing the script can't run this command or subcommand",
    "ERR The user executing the script can't publish to the channel mentioned in the command script: 1, on @user_script:1.",
    'ERR ACL failure in script: No permissions to access a channel script: 1, on @user_script:1.',
  ]
  expect(said.map(sentence => isOfRights(new Error(sentence)))).toEqual([true, true, true])
  expect(isOfRights(new Error('ERR value is not an integer or out of range'))).toBe(false)
})

/** Redis 6.0 has no rights to channels: whoever may publish may do so in all of them. */
const knowsChannels = !execFileSync(findValkey() ?? '', ['--version'], { encoding: 'utf8' }).includes(' v=6.0.')

/** The rights that docs/keys.md names. */
const owner =
  '--user ring on >owner-word ~/countersign/keys &/countersign/keys +eval +hget +hmget +hset +persist +publish +subscribe +info'
    .split(' ')
    .filter(word => knowsChannels || !word.startsWith('&'))

test('with users: who has the right reads and writes; nobody else does, and no password is told', async () => {
  const own = await startValkey({
    password: 'secret-word',
    settings: [...owner, '--user', 'guest', 'on', '>guest-word', '+@connection', '+info'],
  })
  try {
    const here = { ...place(), path: '/countersign/keys', server: { host: '127.0.0.1', port: own.port } }
    const [first, second] = [':secret-word', 'ring:owner-word'].map(credentials => open({ ...here, credentials }))
    const told = toldBy(second as RingRegister)
    expect(await first?.replace('sealed', undefined)).toBe('committed')
    await told
    for (const credentials of [undefined, ':another-word', 'guest:guest-word', 'nobody:word']) {
      const stranger = open({ ...here, credentials })
      for (const outcome of await Promise.allSettled([stranger.read(), stranger.replace('x', undefined)])) {
        const { reason } = outcome as PromiseRejectedResult
        expect(reason).toBeInstanceOf(StoreUnavailable)
        expect(reason.message).toBe('Valkey does not let this user read or write the key ring.')
        expect(JSON.stringify(reason, Object.getOwnPropertyNames(reason))).not.toMatch(/word/)
      }
    }
    expect((await second?.read())?.text).toBe('sealed')
  } finally {
    await own.discard()
  }
})

test.skipIf(!knowsChannels)(
  'who may not use the channel writes nothing, and stays connected: what cannot be heard is looked for',
  async () => {
    const mute = '--user mute on >mute-word ~* +eval +hget +hmget +hset +persist +publish +subscribe +info'
    const own = await startValkey({ password: 'secret-word', settings: mute.split(' ') })
    const master = new Redis(own.url)
    try {
      const here = { ...place(), server: { host: '127.0.0.1', port: own.port }, credentials: 'mute:mute-word' }
      let deaf = 0
      const register = open({ ...here, onDeaf: () => void deaf++ })
      const told = toldBy(register)
      expect(await register.read()).toBeUndefined()
      const connections = async (): Promise<unknown> => {
        const list = (await master.client('LIST')) as string
        return list.match(/^id=\d+(?=.* user=mute )/gm)
      }
      // Of those who watch: told once, when what came before may have been missed.
      await told
      const before = await connections()
      expect(before).toHaveLength(2)
      for (let times = 0; times < 20; times++) {
        await expect(register.replace('text', undefined)).rejects.toThrow('does not let this user')
      }
      expect(await connections()).toEqual(before)
      await own.cut()
      await expect.poll(connections).toHaveLength(2)
      expect(deaf).toBe(1)
      expect(await register.read()).toBeUndefined()
    } finally {
      master.disconnect()
      await own.discard()
    }
  },
)

test('a server that is not there is said to be', async () => {
  const lost = open({ ...place(), server: { host: '127.0.0.1', port: 1 }, answerMilliseconds: 100 })
  await expect(lost.read()).rejects.toThrow('The key ring is out of reach: Valkey does not answer.')
})

test('an address says server, user, key and whether by TLS', () => {
  expect(parseValkeyRingUrl('redis://[::1]:1/a/b')).toEqual({
    server: { host: '::1', port: 1 },
    path: '/a/b',
    credentials: undefined,
    isSecure: false,
  })
  expect(parseValkeyRingUrl('rediss://:p%40ss@one')).toEqual({
    server: { host: 'one', port: 6379 },
    path: '/countersign/keys',
    credentials: ':p@ss',
    isSecure: true,
  })
  for (const wrong of ['redis://', 'redis://one,two', 'redis://one/0', 'redis://me@one', 'valkey://one']) {
    expect(parseValkeyRingUrl(wrong)).toBeUndefined()
  }
})
