import { type AuditRecord, type Change, isShortLivedWrite, type Write } from '@countersign/core'
import { canonicalJson } from '@countersign/protocol'
import { brokenAuditRow, type Store, type StoreOptions } from '@countersign/store'
import { openPostgresStore } from '@countersign/store-postgres'
import type { Cluster } from '@countersign/store-postgres/testing/cluster'
import { startCuttingProxy } from '@countersign/store-postgres/testing/cutting-proxy'
import { runSql } from '@countersign/store-postgres/testing/schemas'
import { expect } from 'vitest'
import type { Answer } from '../../../packages/server/src/testing/calls.ts'
import { connectedServer } from '../../../packages/server/src/testing/connected.ts'
import type { GivenServer } from '../../../packages/server/src/testing/given.ts'
import type { Surroundings } from './sites.ts'

/*
 * A node that dies with each step of what it writes, and another one on the same PostgreSQL that finds what it leaves. What it wanted to be true is noted as it commits
 * it, so that the same is asked of every act: each change is there whole or not at all, in their order, and whole if its commit was answered. Steps are the beginning and
 * the COMMIT of each transaction, and whatever stands alone; within a transaction nodes die in deaths.test.ts of the store.
 */

/** What the node that dies has been told to write, and whether it heard that it is written. */
interface Sent {
  readonly change: Change
  heard: 'nothing' | 'committed' | 'conflict'
}

/** Two nodes on one database. */
export interface DyingNodes {
  readonly around: Surroundings
  /** Prepares, and finds what the other has left. */
  readonly beside: GivenServer
  readonly dying: GivenServer
  /** Lets the node die with its step of this number; 0: before the first. What it leaves is the caller's to judge. */
  attempt(steps: number, act: () => Promise<boolean>): Promise<{ readonly isDone: boolean; readonly died: boolean }>
  /** Whether the node has died since the last act began. */
  isDead(): boolean
  /** While it runs, mails are sent and clients told as they are by themselves. */
  looking<T>(look: () => Promise<T>): Promise<T>
  /** No mail is left from before. */
  emptyOutbox(): Promise<void>
  /** Lets the node die before all that it writes, with the first step of it, the second … until it lives through the act. */
  dieAtEveryStep<Prepared>(act: Act<Prepared>): Promise<Deaths>
  close(): Promise<void>
}

/** How often it died, and how often something was left that nobody had been told of. */
export interface Deaths {
  readonly all: number
  readonly unheard: number
}

/** Something that a node does, from a request or by itself. */
export interface Act<Prepared> {
  /** What it is, as a noun with its article. */
  readonly name: string
  readonly prepare: (beside: GivenServer, nodes: DyingNodes) => Promise<Prepared>
  /** True: it was answered, or ended, as if all were well. */
  readonly act: (dying: GivenServer, prepared: Prepared, nodes: DyingNodes) => Promise<boolean>
  /**
   * Judged beside, once any of its changes is there: what a user sees afterwards, who may ask again. As long as none is, nothing has happened, and the next
   * attempt is with what was prepared for the one before: that is whoever heard nothing and asks again.
   */
  readonly judge: (beside: GivenServer, prepared: Prepared, left: Left, nodes: DyingNodes) => Promise<void>
}

export interface Left {
  /** So many of its changes are there, of those that it makes one after the other; never 0. */
  readonly commits: number
  /** Whether the node has said that it is done. */
  readonly isDone: boolean
}

/** An act of whichever kind: what it was prepared with is its own. */
export interface DeadlyAct {
  readonly name: string
  readonly dieOn: (nodes: DyingNodes) => Promise<Deaths>
}

export function act<Prepared>(one: Act<Prepared>): DeadlyAct {
  return { name: one.name, dieOn: nodes => nodes.dieAtEveryStep(one) }
}

const never = () => () => {}
const schema = 'deaths'
const forever = Number.POSITIVE_INFINITY

/** Everything that was ever done by nodes that die. */
export interface Deeds {
  readonly written: Change[]
  /** The files from which a node asked its store for anything while it acted. */
  readonly askedBy: Set<string>
}

export async function startDyingNodes(
  cluster: Cluster,
  around: Surroundings,
  { written, askedBy }: Deeds,
): Promise<DyingNodes> {
  const wire = await startCuttingProxy(cluster.port)
  const open =
    (url: string) =>
    (own: StoreOptions): Promise<Store> =>
      openPostgresStore({ ...own, url, schema, connections: 1, listenUrl: null, every: never })
  let isLooking = false
  // Nobody looks for what is due by themselves, so that what is sent is what was asked for.
  const quiet = (store: Store): Store => ({
    ...store,
    feed: { ...store.feed, subscribe: never },
    listDue: (kind, rowsAtMost) => store.listDue(kind, isLooking || kind === 'invitation' ? rowsAtMost : 0),
  })
  let isActing = false
  let sent: Sent[] = []
  let places: Places | undefined
  /** So many steps of what it writes next arrive. What it reads in between leaves nothing behind, and is not counted. */
  let stepsLeft = forever
  let underWay = 0

  const seen = (method: unknown): unknown =>
    typeof method !== 'function'
      ? method
      : (...parameters: unknown[]) => {
          if (isActing) for (const file of filesHere()) askedBy.add(file)
          return (method as (...all: unknown[]) => unknown)(...parameters)
        }

  function watched(store: Store): Store {
    return {
      ...(Object.fromEntries(
        Object.entries(quiet(store)).map(([name, method]) => [name, name === 'close' ? method : seen(method)]),
      ) as unknown as Store),
      async commit(change) {
        const one: Sent = { change, heard: 'nothing' }
        sent.push(one)
        written.push(change)
        for (const file of filesHere()) askedBy.add(file)
        if (underWay++ === 0 && !wire.isDead()) wire.dieAfterSteps(stepsLeft)
        try {
          one.heard = await store.commit(change)
          return one.heard
        } finally {
          if (--underWay === 0 && !wire.isDead()) {
            stepsLeft = wire.left()
            wire.dieAfterSteps(forever)
          }
        }
      },
    }
  }

  const node = async (url: string, wrapStore: (store: Store) => Store): Promise<GivenServer> =>
    withAddresses(
      await connectedServer(around.connections, {
        every: never,
        ...(await around.options()),
        openStore: open(url),
        wrapStore,
      }),
    )
  const beside = await node(cluster.url, quiet)
  const dying = await node(wire.url, watched)
  dying.setClock(beside.now())

  async function attempt(steps: number, act: () => Promise<boolean>): Promise<{ isDone: boolean; died: boolean }> {
    if (dying.now() !== beside.now()) {
      dying.setClock(beside.now())
      await dying.server.services.keys.read()
    }
    sent = []
    stepsLeft = steps
    isActing = true
    const isDone = await act()
    isActing = false
    const died = wire.isDead()
    await wire.isForgotten()
    stepsLeft = forever
    wire.dieAfterSteps(forever)
    if (!died) expect([isDone, sent.length > 0]).toEqual([true, true])
    return { isDone, died }
  }

  async function judged<Prepared>(
    act: Act<Prepared>,
    prepared: Prepared,
    steps: number,
  ): Promise<Left & { died: boolean }> {
    const before = await placesOf(beside.store, places)
    places = before
    const { isDone, died } = await attempt(steps, () => act.act(dying, prepared, nodes))
    const wanted = sent.filter(({ heard }) => heard !== 'conflict')
    const commits = await judgeWhole(beside.store, before, wanted)
    if (isDone) expect(commits).toBe(wanted.length)
    return { commits, isDone, died }
  }

  const nodes: DyingNodes = {
    around,
    beside,
    dying,
    isDead: wire.isDead,
    attempt,
    emptyOutbox: async () => void (await runSql(cluster.url, `DELETE FROM ${schema}.short_lived WHERE kind = 'mail'`)),
    async looking(look) {
      isLooking = true
      try {
        return await look()
      } finally {
        isLooking = false
      }
    },
    async dieAtEveryStep(act) {
      let prepared = await act.prepare(beside, nodes)
      let unheard = 0
      for (let deaths = 0; ; deaths++) {
        try {
          const { died, ...left } = await judged(act, prepared, deaths)
          if (left.commits > 0) await act.judge(beside, prepared, left, nodes)
          if (!died) return { all: deaths, unheard }
          if (left.commits > 0 && !left.isDone) unheard++
          if (left.commits > 0) prepared = await act.prepare(beside, nodes)
        } catch (error) {
          throw new Error(`${act.name}, dead with step ${deaths}: ${String(error)}`, { cause: error })
        }
      }
    },
    close: () => wire.close(),
  }
  return nodes
}

/** Requests come from ever new addresses: how many may come from one is tried elsewhere. */
function withAddresses(node: GivenServer): GivenServer {
  let count = 0
  const inject = (request: object) =>
    node.http.inject({ remoteAddress: `127.${(++count >> 16) & 255}.${(count >> 8) & 255}.${count & 255}`, ...request })
  return { ...node, http: Object.assign(Object.create(node.http), { inject }) as GivenServer['http'] }
}

/** The files through which this is called. */
function filesHere(): readonly string[] {
  const { prepareStackTrace, stackTraceLimit } = Error
  Error.stackTraceLimit = 30
  Error.prepareStackTrace = (_error, sites) => sites.map(site => site.getFileName())
  const files = new Error('here').stack as unknown as (string | null)[]
  Error.prepareStackTrace = prepareStackTrace
  Error.stackTraceLimit = stackTraceLimit
  return files.filter(file => file !== null)
}

interface Places {
  readonly audit: number
  readonly hash: string
  readonly feed: number
}

/** What stands at the end of the logs, from where they ended the last time. */
async function placesOf(store: Store, last: Places = { audit: 0, hash: '', feed: 0 }): Promise<Places> {
  const rows = await store.readAudit(last.audit, 10_000)
  const newest = rows.at(-1)
  const feed = (await store.feed.after(last.feed))?.number ?? (await store.feed.snapshot()).number
  return { audit: newest?.number ?? last.audit, hash: newest?.hash ?? last.hash, feed }
}

/** Each change is there whole or not at all, none before the one before it, whole if that was heard; and nothing else is. So many of them are there. */
async function judgeWhole(store: Store, before: Places, sent: readonly Sent[]): Promise<number> {
  const there: boolean[] = []
  const rows = await store.readAudit(before.audit, 1_000)
  const { entries = [], number } = (await store.feed.after(before.feed)) ?? {}
  let [audited, entered] = [0, 0]
  for (const { change, heard } of sent) {
    const isAudited = change.audit.map((record, n) => isSame(rows[audited + n]?.record, withoutPersonal(record)))
    const isEntered = change.entries.map((entry, n) => isSame(entries[entered + n], entry))
    const isWritten = await Promise.all(
      change.writes.map(async write => (await versionOf(store, write)) > write.row.version),
    )
    const seen = new Set([...isWritten, ...isAudited, ...isEntered])
    expect([...seen], `half of a change: ${JSON.stringify({ isWritten, isAudited, isEntered })}`).toHaveLength(1)
    const isThere = seen.has(true)
    if (heard === 'committed') expect(isThere).toBe(true)
    there.push(isThere)
    if (!isThere) continue
    audited += change.audit.length
    entered += change.entries.length
  }
  const commits = there.filter(Boolean).length
  expect(there.slice(0, commits)).not.toContain(false)
  expect([rows.length, entries.length]).toEqual([audited, entered])
  expect(brokenAuditRow(rows, { number: before.audit, hash: before.hash })).toBeUndefined()
  expect(number).toBe(before.feed + entered)
  return commits
}

const withoutPersonal = ({ personal: _, ...record }: AuditRecord): object => record

function isSame(stored: object | undefined, wanted: object): boolean {
  return stored !== undefined && canonicalJson(stored) === canonicalJson(wanted)
}

/** The version that a row has; 0: it is not there. */
async function versionOf(store: Store, write: Write): Promise<number> {
  return (await storedRow(store, write))?.version ?? 0
}

async function storedRow(store: Store, write: Write): Promise<{ readonly version: number } | undefined> {
  if (isShortLivedWrite(write)) {
    return write.table === 'code'
      ? (await store.loadCode(write.row.hash))?.code
      : (await store.loadShortLived(write.table, write.row.hash))?.row
  }
  switch (write.table) {
    case 'issuer':
      return (await store.loadIssuer()).issuer
    case 'keyRing':
      return (await store.loadIssuer()).keyRing
    case 'client':
      return (await store.loadClient(write.row.id))?.client
    case 'user':
      return (await store.loadUser(write.row.id)).user
    case 'identity':
      return (await store.loadUserByIdentity(write.row.connection, write.row.subject)).identity
    case 'grant':
      return (await store.loadGrant(write.row.userId, write.row.clientId)).grant
    case 'session':
      return (await store.loadSessionOnly(write.row.id))?.session
    case 'family':
      return (await store.loadFamily(write.row.id))?.family
  }
}

/** True if it was answered as wanted; else it must say that the server is away, and when to come again. */
export function isAnswered({ status, headers, body, text }: Answer): boolean {
  if ([200, 201, 202, 204, 303].includes(status) && !headers.location?.includes('problem=')) return true
  const isAway = status === 503 && Number(headers['retry-after']) > 0
  expect(
    isAway || headers.location?.includes('problem=unavailable'),
    `${status} ${body.reason ?? headers['countersign-reason'] ?? text}`,
  ).toBe(true)
  return false
}

/** True if it is refused for this reason; else the server must be away. */
export function isRefusedAs(answer: Answer, reason: string): boolean {
  return (answer.status === 400 && answer.body.reason === reason) || isAnswered(answer)
}
