import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect as connectPlainly, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectSecurely, TLSSocket } from 'node:tls'
import * as given from '@countersign/store/given'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster } from './testing/cluster.ts'
import { freshSchema, runSql } from './testing/schemas.ts'
import { withNodes } from './testing/stores.ts'
import { startTlsCluster } from './testing/tls-cluster.ts'

/*
 * Somebody stands between node and database and ends TLS on both sides: with a certificate that the node takes (no-verify stands for an authority that was deceived),
 * so that only the binding can tell.
 */

let cluster: Cluster
let between: Between

const password = 'the-password-of-the-nodes'
const url = (port: number, parameters: string, user = 'scram'): string =>
  `postgres://${user}:${password}@127.0.0.1:${port}/postgres?sslmode=no-verify${parameters}`

beforeAll(async () => {
  cluster = await startTlsCluster()
  for (const role of ['scram', 'cleartext', 'trusted', 'hashed']) {
    const encryption = role === 'hashed' ? 'md5' : 'scram-sha-256'
    await runSql(
      cluster.url,
      `SET password_encryption = '${encryption}'; CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD '${password}'`,
    )
  }
  const rules = join(cluster.folder, 'data', 'pg_hba.conf')
  const ways = [
    ['scram', 'scram-sha-256'],
    ['cleartext', 'password'],
    ['hashed', 'md5'],
  ]
  const lines = ways.map(([role, way]) => `host all ${role} 127.0.0.1/32 ${way}\n`)
  writeFileSync(rules, lines.join('') + readFileSync(rules, 'utf8'))
  await runSql(cluster.url, 'SELECT pg_reload_conf()')
  between = await standBetween(cluster)
})
afterAll(async () => {
  between.close()
  await cluster.discard()
})

const opens = (database: string): Promise<void> =>
  withNodes(database, async ({ open }) => {
    await given.login(await open({ url: database, schema: freshSchema() }))
  })

describe('channel_binding=require', () => {
  const bound = '&channel_binding=require'

  test('a database that wants SCRAM over TLS is used, and listened to', async () => {
    await withNodes(cluster.url, async ({ open }) => {
      const here = await open({ url: url(cluster.port, bound) })
      const there = await open({ url: url(cluster.port, bound), every: () => () => {} })
      const heard = new Promise<void>(done => void there.feed.subscribe(done))
      await here.commit(given.change([], { entries: [{ kind: 'token', id: 'jti', until: 4_000_000_000 }] }))
      await heard
    })
  })

  test('somebody in between, whom a node without it believes, gets in by no means', async () => {
    await opens(url(between.port, ''))
    await expect(opens(url(between.port, bound))).rejects.toMatchObject({ name: 'StoreUnavailable' })
  })

  test('who keeps from a node that the database can bind is left at once', async () => {
    between.hidesBinding(true)
    await expect(opens(url(between.port, bound))).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringContaining('lets in without channel binding, which channel_binding=require forbids'),
    })
    between.hidesBinding(false)
  })

  test.each(['cleartext', 'hashed', 'trusted'])(
    'a database that lets in otherwise (%s) is told nothing',
    async role => {
      await opens(url(between.port, '', role))
      expect(between.messagesOfNode().includes('p')).toBe(role !== 'trusted')
      between.forget()
      await expect(opens(url(between.port, bound, role))).rejects.toMatchObject({
        name: 'StoreUnavailable',
        message: expect.stringContaining('lets in without channel binding, which channel_binding=require forbids'),
      })
      // Those of before may say their farewell late.
      expect(between.messagesOfNode().filter(type => type !== 'X')).toEqual([])
    },
  )
})

test('channel_binding=prefer binds where it can, and goes on where it cannot', async () => {
  await expect(opens(url(between.port, '&channel_binding=prefer'))).rejects.toMatchObject({ name: 'StoreUnavailable' })
  await opens(url(cluster.port, '&channel_binding=prefer'))
  await opens(url(cluster.port, '&channel_binding=prefer', 'trusted'))
  await opens(url(cluster.port, '&channel_binding=prefer', 'scram').replace('no-verify', 'disable'))
})

interface Between {
  readonly port: number
  /** Whether it takes SCRAM-SHA-256-PLUS out of what the database offers. */
  readonly hidesBinding: (hides: boolean) => void
  /** The types of what a node has sent since, after its first message: `p` answers who asks for a password. */
  readonly messagesOfNode: () => readonly string[]
  readonly forget: () => void
  readonly close: () => void
}

/** Node ⇄ TLS ⇄ it ⇄ TLS ⇄ database. */
async function standBetween({ port: target, folder }: Cluster): Promise<Between> {
  const own = { key: readFileSync(`${folder}/other.key`), cert: readFileSync(`${folder}/other.crt`) }
  const sockets = new Set<Socket>()
  const messages: string[] = []
  let hides = false
  const wantTls = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

  const server = createServer(async near => {
    const far = connectPlainly(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroySoon()
        far.destroySoon()
      })
    }
    await once(near, 'data')
    far.write(wantTls)
    await once(far, 'data')
    near.write('S')
    const nearTls = new TLSSocket(near, { isServer: true, ...own })
    const farTls = connectSecurely({ socket: far, rejectUnauthorized: false })
    for (const socket of [nearTls, farTls]) socket.on('error', () => {})
    let isFirst = true
    nearTls.on('data', (bytes: Buffer) => {
      if (!isFirst) messages.push(String.fromCharCode(bytes[0] ?? 0))
      isFirst = false
      farTls.write(bytes)
    })
    farTls.on('data', (bytes: Buffer) => nearTls.write(hides ? withoutBinding(bytes) : bytes))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    hidesBinding(wanted) {
      hides = wanted
    },
    messagesOfNode: () => [...messages],
    forget: () => void messages.splice(0),
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** AuthenticationSASL with its second name alone (PostgreSQL's protocol, "Message Formats"). */
function withoutBinding(bytes: Buffer): Buffer {
  const name = Buffer.from('SCRAM-SHA-256-PLUS\0')
  const place = bytes.indexOf(name)
  if (place < 0) return bytes
  const shorter = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + name.length)])
  shorter.writeInt32BE(shorter.readInt32BE(1) - name.length, 1)
  return shorter
}
