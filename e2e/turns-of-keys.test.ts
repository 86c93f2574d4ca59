import { startEtcd } from '@countersign/ring-etcd/testing/etcd-server'
import { startZookeeper } from '@countersign/ring-zookeeper/testing/zookeeper-server'
import { type Cluster, startCluster } from '@countersign/store-postgres/testing/cluster'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import { startValkey } from '@countersign/store-valkey/testing/valkey-server'
import type { Verifier } from '@countersign/verify'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Bearers, startBearers } from './testing/bearers.ts'
import type { HoldingWire, Place } from './testing/holding-wire.ts'
import { call } from './testing/http-call.ts'
import { badEditions, refusedBy, unknownKeys, usedTooLong, verifierAt } from './testing/judge-keys.ts'
import { createMovedClock, type MovedClock } from './testing/moved-clock.ts'
import {
  givenTurningNodes,
  type TurningNode,
  type TurningNodes,
  turnsEverySeconds,
  writtenRings,
} from './testing/turning-nodes.ts'

/*
 * Real nodes turn their keys in fake time, and tokens are minted and asked about at each of them all the time. One node dies at an exact place of its turn: what it sends,
 * or is sent, is held on the wire, and then it is killed; or it is stopped there, and goes on when the others have gone on.
 *
 * That a node which is cut off from PostgreSQL answers 503 is in `faults-on-postgres.test.ts`, that a key turned by hand is known to all in
 * `packages/cli/src/keys-on-nodes.test.ts`, and a Valkey that forgets in `packages/store-valkey`.
 */

const patience = { timeout: 300_000 }

let clock: MovedClock
let cluster: Cluster
const undo: (() => unknown)[] = []

beforeAll(async () => {
  clock = createMovedClock()
  cluster = await startCluster({ settings: ['track_commit_timestamp=on'], environment: clock.environment })
})
afterAll(async () => {
  await cluster?.discard()
  clock?.remove()
})
afterEach(async () => {
  for (const action of undo.splice(0).reverse()) await action()
})

interface Given extends TurningNodes {
  readonly bearers: Bearers
  /** An API that follows the node that does not die. */
  readonly follower: Verifier
  readonly placeUrl: string | undefined
}

interface KeyPlace {
  readonly port: number
  readonly urlAt: (port: number) => string
}

async function givenNodes(name: string, place?: KeyPlace): Promise<Given> {
  await runSql(cluster.url, `CREATE DATABASE ${name}`)
  const database = cluster.url.replace(/postgres$/, name)
  const nodes = await givenTurningNodes({ clock, database, place })
  undo.push(nodes.close)
  await Promise.all([nodes.wired.start(), nodes.other.start()])
  const bearers = startBearers([nodes.wired, nodes.other], clock)
  await bearers.goOn(nodes.wired, nodes.other)
  const follower = await verifierAt(nodes, { node: nodes.other, clock, follows: true })
  undo.push(() => follower.close())
  return { ...nodes, bearers, follower, placeUrl: place?.urlAt(place.port) }
}

/** Lets time pass until a turn is due. Verifiers read the keys at each node shortly before, and may believe them when it is. */
async function untilTurnIsDue({ bearers }: Given, ...living: readonly TurningNode[]): Promise<void> {
  const readAheadSeconds = 240
  for (const seconds of [turnsEverySeconds - readAheadSeconds + 1, readAheadSeconds]) {
    clock.advance(seconds)
    await bearers.goOn(...living)
  }
}

const kidNow = ({ minted }: Bearers): string | undefined => minted.at(-1)?.kid

/** The node turns the keys as far as to the place. */
async function turnsUntil({ wired }: Given, wire: HoldingWire, place: Place): Promise<void> {
  const held = wire.hold(place)
  wired.turn()
  await held
}

/** Whatever was answered stands, for everybody: the nodes, an API that has followed one of them for long, and one that has just read the keys. */
async function expectAllStand(given: Given): Promise<void> {
  const { bearers, follower, wired, other } = given
  const tokens = bearers.standing()
  expect(await refusedBy(follower, tokens)).toEqual([])
  for (const node of [wired, other]) {
    const fresh = await verifierAt(given, { node, clock, follows: false })
    expect(await refusedBy(fresh, tokens)).toEqual([])
    fresh.close()
  }
  await bearers.askAboutAll()
  expect(bearers.wrong).toEqual([])
}

async function expectKept(given: Given): Promise<void> {
  const { bearers, database } = given
  await expectAllStand(given)
  await bearers.stop()
  expect(bearers.wrong).toEqual([])
  expect(unknownKeys(bearers)).toEqual([])
  expect(usedTooLong(bearers, await writtenRings(database))).toEqual([])
  expect(await badEditions(given, given.placeUrl)).toEqual([])
}

/** The node that does not die does it, or finds that it was done. */
async function turns({ bearers, other }: Given, before = kidNow(bearers)): Promise<void> {
  const turned = bearers.signsAnew(other, before)
  other.turn()
  await turned
}

/** Killed there; the other one goes on and turns, and it starts again. */
async function diesAt(given: Given, wire: HoldingWire, place: Place): Promise<void> {
  const { bearers, wired, other } = given
  await untilTurnIsDue(given, wired, other)
  const before = kidNow(bearers)
  await turnsUntil(given, wire, place)
  await wired.kill()
  wire.release()
  await turns(given, before)
  await wired.start()
  await bearers.goOn(wired, other)
  await expectAllStand(given)
}

/** Stopped there until the other one has turned twice. */
async function standsStillAt(given: Given, wire: HoldingWire, place: Place): Promise<void> {
  const { bearers, wired, other } = given
  await untilTurnIsDue(given, wired, other)
  await turnsUntil(given, wire, place)
  wired.pause()
  await turns(given)
  await untilTurnIsDue(given, other)
  await turns(given)
  wire.release()
  wired.resume()
  await bearers.goOn(wired, other)
  await expectAllStand(given)
}

const commits = (text: string): number => text.split('COMMIT\0').length - 1

/** Of the ring's row, on the wire to PostgreSQL. */
const row = {
  write: (({ there }) => there.includes('sealedPrivate')) as Place,
  commit: (({ there }) => /sealedPrivate[\s\S]*COMMIT\0/.test(there)) as Place,
  answer: (({ there, back }) =>
    /sealedPrivate[\s\S]*COMMIT\0/.test(there) && commits(back) === commits(there)) as Place,
}

test(
  'a node is killed in the middle of a turn of keys, before its write is there, before the commit, or before the answer, or it stands still there while the other goes on turning: each token stands everywhere for its whole life',
  patience,
  async () => {
    const given = await givenNodes('row')
    for (const place of [row.write, row.commit, row.answer]) await diesAt(given, given.toDatabase, place)
    for (const place of [row.write, row.answer]) await standsStillAt(given, given.toDatabase, place)
    await expectKept(given)
  },
)

/** Of a text that takes the place of another one there, on the wire to that server. */
interface Outside {
  readonly name: string
  readonly start: () => Promise<KeyPlace & { readonly discard: () => Promise<void> }>
  readonly write: Place
  readonly answer: Place
}

const path = '/countersign/keys'
/** ZooKeeper's `setData`, and what stands before it: the number of the request, which its answer begins with. */
const setData = new RegExp(`([\\s\\S]{4})\\0\\0\\0\\x05\\0\\0\\0${String.fromCharCode(path.length)}${path}`)

/** Messages with their length before them. */
function* framesIn(text: string): Generator<string> {
  for (let rest = Buffer.from(text, 'latin1'); rest.length >= 4; ) {
    const end = 4 + rest.readInt32BE()
    if (rest.length < end) return
    yield rest.toString('latin1', 4, end)
    rest = rest.subarray(end)
  }
}

const outside: readonly Outside[] = [
  {
    name: 'zookeeper',
    async start() {
      const server = await startZookeeper()
      return { ...server, urlAt: port => `zookeeper://127.0.0.1:${port}${path}` }
    },
    write: ({ there }) => setData.test(there),
    answer({ there, back }) {
      const number = setData.exec(there)?.[1]
      return number !== undefined && [...framesIn(back)].some(frame => frame.startsWith(number))
    },
  },
  {
    name: 'etcd',
    async start() {
      const server = await startEtcd()
      return { ...server, urlAt: port => `etcd://127.0.0.1:${port}${path}` }
    },
    write: ({ there }) => there.includes('request_put'),
    answer: ({ there, back }) => there.includes('request_put') && back.includes('"succeeded"'),
  },
  {
    name: 'valkey',
    async start() {
      const server = await startValkey()
      return { ...server, urlAt: port => `redis://127.0.0.1:${port}${path}` }
    },
    write: ({ there }) => there.includes("'HSET'"),
    answer: ({ there, back }) => there.includes("'HSET'") && back.includes(':1\r\n'),
  },
]

describe.each(outside)('the ring on $name', ({ name, start, write, answer }) => {
  test(
    'a node is killed before it is told that its ring stands there, or stands still before the store has the copy: each token stands everywhere for its whole life; cut off from there it stops signing',
    patience,
    async () => {
      const place = await start()
      undo.push(place.discard)
      const given = await givenNodes(name, place)
      const toPlace = given.toPlace as HoldingWire
      await diesAt(given, toPlace, answer)
      await standsStillAt(given, given.toDatabase, row.write)
      // What is between it and the store is the same wherever it is.
      if (name === 'zookeeper') {
        await diesAt(given, toPlace, write)
        await diesAt(given, given.toDatabase, row.write)
        await standsStillAt(given, toPlace, write)
      }
      await isCutOff(given, toPlace)
      await expectKept(given)
    },
  )
})

/** From the place of its keys: it goes on for a minute, and then not, until it is back. */
async function isCutOff({ bearers, wired, other }: Given, toPlace: HoldingWire): Promise<void> {
  // So long that both have to read them anew.
  clock.advance(61)
  await bearers.goOn(wired, other)
  toPlace.cut()
  clock.advance(30)
  await bearers.goOn(wired, other)
  const refused = bearers.isRefused(wired)
  clock.advance(31)
  await refused
  for (const endpoint of ['/jwks', '/ready']) {
    const { status, headers } = await call(`${wired.url}${endpoint}`)
    expect([status, Number(headers['retry-after']) > 0]).toEqual([503, true])
  }
  await bearers.goOn(other)
  toPlace.release()
  await bearers.goOn(wired, other)
}
