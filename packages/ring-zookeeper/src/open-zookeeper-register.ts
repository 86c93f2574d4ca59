import { type RingRegister, StoreUnavailable } from '@countersign/store'
import { bool, bytes, int, type Reader } from './jute.ts'
import { type ClientOptions, createZookeeperClient, type ZookeeperClient } from './zookeeper-client.ts'
import { errorCodes, operations, ZookeeperRefusal } from './zookeeper-connection.ts'
import type { ZookeeperAddress } from './zookeeper-url.ts'

export interface ZookeeperRegisterOptions
  extends ZookeeperAddress,
    Partial<Omit<ClientOptions, keyof ZookeeperAddress>> {}

/** A server grants at least two of its ticks, which are two seconds by default; a new session waits for its disk. */
const defaults = {
  sessionMilliseconds: 6_000,
  openMilliseconds: 2_000,
  answerMilliseconds: 4_000,
  patienceMilliseconds: 500,
}

/**
 * One znode: written on the condition of its version, read behind a `sync`, watched. It is persistent, and so are the nodes above it, which are made
 * if they are missing. With credentials only who has them can read and write it.
 */
export function openZookeeperRegister(options: ZookeeperRegisterOptions): RingRegister {
  const { path, credentials } = options
  const client = createZookeeperClient({ ...defaults, chance: Math.random(), ...options })
  const permissions = accessList(credentials !== undefined)
  return {
    read: () => refusalsTold(() => read(client, path)),
    replace: (text, stamp) =>
      refusalsTold(() =>
        stamp === undefined ? create(client, path, { text, permissions }) : put(client, path, { text, stamp }),
      ),
    watch: client.listen,
    async close() {
      client.close()
    },
  }
}

type Outcome = 'committed' | 'conflict'

/** A server that lags behind says what it knows: `sync` lets it catch up first. The look watches for what comes after it. */
async function read(client: ZookeeperClient, path: string): Promise<{ text: string; stamp: string } | undefined> {
  const named = Buffer.concat([bytes(path), bool(true)])
  for (;;) {
    const answer = await unless('noNode', async () => {
      const answers = await client.askInOrder([
        [operations.sync, bytes(path)],
        [operations.getData, named],
      ])
      return answers[1] as Reader
    })
    if (answer !== 'noNode') return { text: answer.bytes().toString(), stamp: String(versionOf(answer)) }
    // What is not there can be watched for as well.
    if ((await unless('noNode', () => client.ask(operations.exists, named))) === 'noNode') return undefined
  }
}

/** Of a `Stat`: created, modified (transactions, then times), and then how often it was written. */
function versionOf(stat: Reader): number {
  stat.skip(4 * 8)
  return stat.int()
}

async function put(
  client: ZookeeperClient,
  path: string,
  { text, stamp }: { text: string; stamp: string },
): Promise<Outcome> {
  const body = Buffer.concat([bytes(path), bytes(text), int(Number(stamp))])
  const isGone = await unless('noNode', () => unless('badVersion', () => client.ask(operations.setData, body)))
  return typeof isGone === 'string' ? 'conflict' : 'committed'
}

async function create(
  client: ZookeeperClient,
  path: string,
  { text, permissions }: { text: string; permissions: Buffer },
): Promise<Outcome> {
  const node = (place: string, content: string): Promise<Reader | 'nodeExists' | 'noNode'> => {
    const body = Buffer.concat([bytes(place), bytes(content), permissions, int(0)])
    return unless('noNode', () => unless('nodeExists', () => client.ask(operations.create, body)))
  }
  let made = await node(path, text)
  if (made === 'noNode') {
    const above = path.split('/').slice(1, -1)
    for (let length = 1; length <= above.length; length++) await node(`/${above.slice(0, length).join('/')}`, '')
    made = await node(path, text)
  }
  if (made === 'noNode') throw new StoreUnavailable('The place of the key ring on ZooKeeper cannot be made.')
  return made === 'nodeExists' ? 'conflict' : 'committed'
}

const allPermissions = 31

/** A list of one: whoever has authenticated as the maker has, or everybody. */
function accessList(isClosed: boolean): Buffer {
  const [scheme, id] = isClosed ? ['auth', ''] : ['world', 'anyone']
  return Buffer.concat([int(1), int(allPermissions), bytes(scheme), bytes(id)])
}

/** One refusal is an answer too. */
async function unless<T, Name extends keyof typeof errorCodes>(name: Name, work: () => Promise<T>): Promise<T | Name> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ZookeeperRefusal && error.code === errorCodes[name]) return name
    throw error
  }
}

async function refusalsTold<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ZookeeperRefusal)) throw error
    if (error.code === errorCodes.noAuth) {
      throw new StoreUnavailable('ZooKeeper does not let this user read or write the key ring.', { cause: error })
    }
    throw new StoreUnavailable('ZooKeeper refuses what was asked of it.', { cause: error })
  }
}
