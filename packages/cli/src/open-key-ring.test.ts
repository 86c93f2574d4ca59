import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startZookeeper, type ZookeeperProcess } from '@countersign/ring-zookeeper/testing/zookeeper-server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askRunningServer } from './admin-socket.ts'
import { openStopped } from './administer.ts'
import { type Configuration, readConfiguration } from './configuration.ts'
import { openKeyRing } from './open-key-ring.ts'
import { serve } from './serve.ts'

const patience = { timeout: 60_000 }
const log = { info() {}, warn() {}, error() {} }
let zookeeper: ZookeeperProcess
let folder: string
beforeAll(async () => {
  zookeeper = await startZookeeper()
  folder = mkdtempSync(join(tmpdir(), 'countersign-ring-'))
})
afterAll(async () => {
  await zookeeper.discard()
  rmSync(folder, { recursive: true })
})

function configured(house: string, path?: string): Configuration {
  const server = zookeeper.url.replace('//', '//us:some%20word@')
  const environment = path === undefined ? {} : { COUNTERSIGN_KEY_RING: `${server}${path}` }
  return readConfiguration({ environment, flags: { data: join(folder, house), port: 0 } })
}

/** What stands in the place, sealed. */
async function textOf(configuration: Configuration): Promise<string | undefined> {
  const register = await openKeyRing(configuration)
  const found = await register?.read()
  await register?.close()
  return found?.text
}

test(
  'a server brings its ring to ZooKeeper, the commands about keys work on it there, and it goes on without',
  patience,
  async () => {
    const before = await serve(configured('house'), { log })
    const [first] = before.server.admin.listKeys()
    await before.close()
    const there = await serve(configured('house', '/house/keys'), { log })
    const text = await textOf(configured('house', '/house/keys'))
    expect(there.server.admin.listKeys()).toContainEqual(first)
    const retired = await askRunningServer(configured('house').data, 'keys retire', first?.id ?? '')
    expect(retired).toMatchObject({
      status: 200,
      body: expect.arrayContaining([{ ...first, state: 'retired', since: expect.any(String) }]),
    })
    expect(await textOf(configured('house', '/house/keys'))).not.toBe(text)
    const views = there.server.admin.listKeys()
    await there.close()
    const stopped = await openStopped(configured('house', '/house/keys'))
    expect(stopped.server.admin.listKeys()).toEqual(views)
    await stopped.close()
    const after = await serve(configured('house'), { log })
    expect(after.server.admin.listKeys()).toEqual(views)
    await after.close()
  },
)

test(
  'another installation on the same place does not start, and neither does one that finds no ZooKeeper; both say why, and no password',
  patience,
  async () => {
    const one = await serve(configured('one', '/shared'), { log })
    const other = serve(configured('other', '/shared'), { log })
    await expect(other).rejects.toThrow('was not sealed under this master key')
    const nowhere = { ...configured('one'), key_ring: 'zookeeper://us:some%20word@127.0.0.1:1/keys' }
    await one.close()
    const failure = (await serve(nowhere, { log }).catch((error: unknown) => error)) as Error
    expect(failure.message).toBe('The key ring is out of reach: ZooKeeper does not answer.')
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('word')
  },
)

test('an address that is none is refused by its name alone', () => {
  const read = () => readConfiguration({ environment: { COUNTERSIGN_KEY_RING: 'zookeeper://us:secret@/x' }, flags: {} })
  expect(read).toThrow(
    'COUNTERSIGN_KEY_RING: must be a URL such as zookeeper://host:2181,host2:2181/path, etcd://host:2379/path or redis://host:6379/path',
  )
  expect(read).not.toThrow(/secret/)
  for (const url of ['etcds://us:secret@one:2379,two/keys', 'rediss://:secret@one/keys']) {
    expect(readConfiguration({ environment: { COUNTERSIGN_KEY_RING: url }, flags: {} }).key_ring).toBe(url)
  }
})
