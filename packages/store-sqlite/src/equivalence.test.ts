import { createHash } from 'node:crypto'
import { join } from 'node:path'
import {
  type AuthenticatedClient,
  type Change,
  declareClient,
  endAllSessions,
  endLogin,
  type FamilySnapshot,
  type Instant,
  newIdentity,
  openBrowserSession,
  openFamily,
  openLogin,
  openRefreshToken,
  type RandomBytes,
  redeemRefreshToken,
  type User,
  type Write,
} from '@countersign/core'
import { createMemoryStore, type Store, type StoreOptions } from '@countersign/store'
import * as given from '@countersign/store/given'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openSqliteStore } from './open-sqlite-store.ts'
import { withFolder } from './test-folder.ts'

/*
 * The rest of the system cannot tell the engines apart: whatever is done to both, in whatever order, both answer alike. The
 * store in memory is short enough to be believed; here it is the yardstick.
 */

const which = fc.nat({ max: 7 })
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sign up'), which, other: which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move address'), which, other: which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('log in'), which, other: which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('browse'), which, other: which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('refresh'), which, other: which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end'), which, other: which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end all'), which, other: which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('link'), which, other: which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('change client'), which, other: which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore'), which, other: which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sweep'), which, other: which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), which, other: which }) },
)

interface Step {
  readonly do: string
  readonly which: number
  readonly other: number
}

/** So that most of what follows finds something to work on. */
const beginnings: readonly Step[] = [
  { do: 'change client', which: 1, other: 4 },
  { do: 'change client', which: 1, other: 5 },
  { do: 'sign up', which: 0, other: 0 },
  { do: 'sign up', which: 0, other: 1 },
]

const waits = [1, 30, 61, 3600, 5 * 86_400, 31 * 86_400, 181 * 86_400, 5]

/** What there is by now; rows that were swept or never made stay in it, and are asked for all the same. */
interface Known {
  readonly users: Set<string>
  readonly sessions: Set<string>
  readonly families: Set<string>
}

test('whatever is done, the store on SQLite answers as the store in memory does', { timeout: 120_000 }, async () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 80, size: 'max' })
  await fc.assert(
    fc.asyncProperty(steps, steps => withFolder(folder => compare(steps, folder))),
    { numRuns: 60 },
  )
})

async function compare(steps: readonly Step[], folder: string): Promise<void> {
  const clock = given.clock()
  const options: StoreOptions = {
    ...given.storeOptions(clock),
    sealPersonal: (personal, salt) => salt && `${salt.toString('hex')} ${JSON.stringify(personal)}`,
  }
  const memory = createMemoryStore(options)
  const sqlite = await openSqliteStore({ ...options, file: join(folder, 'countersign.db'), checkpointFrames: 100 })
  const known: Known = { users: new Set(), sessions: new Set(), families: new Set() }
  try {
    for (const one of [...beginnings, ...steps]) {
      // No two ids of one millisecond: their first halves could be equal, which only one engine minds.
      clock.advance(0.001)
      if (one.do === 'wait') clock.advance(waits[one.which] ?? 0)
      if (one.do === 'sweep') {
        const limits = { keepEndedSeconds: one.which * 86_400, rowsAtMost: 10_000 }
        expect(await sqlite.sweep(limits)).toBe(await memory.sweep(limits))
      }
      const change = await changeOf(memory, one, known, clock.now())
      if (change === undefined) continue

      expect([one, await sqlite.commit(change)]).toEqual([one, await memory.commit(change)])
      for (const { table, row } of change.writes) {
        if (table === 'user') known.users.add(row.id)
        if (table === 'session') known.sessions.add(row.id)
        if (table === 'family') known.families.add(row.id)
      }
    }
    expect(await everything(sqlite, known)).toEqual(await everything(memory, known))
  } finally {
    await sqlite.close()
  }
}

/** The change that a step makes of what the store in memory says; every third one is made of rows that are out of date. */
async function changeOf(store: Store, one: Step, known: Known, now: Instant): Promise<Change | undefined> {
  const random = randomOf(now)
  const { issuer } = await store.loadIssuer()
  const snapshot = { now, issuer }
  const user = (await store.loadUser(pick(known.users, one.which))).user
  const family = await store.loadFamily(pick(known.families, one.which))
  const client = (await store.loadClient(`client-${one.other % 2}`))?.client
  const stale = one.other % 3 === 0 ? 1 : 0
  switch (one.do) {
    case 'sign up': {
      const fields = { id: random(16).toString('base64url'), email: `${one.other}@example.org`, sealSalt: random(16) }
      return given.change([{ table: 'user', row: given.newUser(now, fields) }])
    }
    case 'move address':
      return user && given.change([{ table: 'user', row: { ...user, email: `${one.other}@example.org` } }])
    case 'link': {
      const subject = `${one.other}`
      const row = user && newIdentity({ connection: 'google', subject, userId: user.id, linkedAt: now })
      const known = (await store.loadUserByIdentity('google', subject)).identity
      return row && given.change([{ table: 'identity', row: { ...row, version: known?.version ?? 0 } }])
    }
    case 'log in':
      return user && client && openLogin({ ...loginOf(user), client, scope: 'account', jkt: undefined }).change
    case 'browse': {
      if (!user || !client) return undefined
      const { session, change } = openBrowserSession(loginOf(user))
      const joined = openFamily({ ...loginOf(user), session, client, scope: '', jkt: given.jkt() })
      if (one.other > 3) return change
      // The session is new here: its row is written once.
      const joins = joined.writes.filter(({ table }) => table !== 'session')
      return { ...change, writes: [...change.writes, ...joins], audit: joined.audit }
    }
    case 'refresh':
      return family && refresh(family, one.other)
    case 'end': {
      const change = family && endLogin(family, 'signed_out', { device: given.device })
      return change && { ...change, writes: change.writes.map(write => older(write, stale)) }
    }
    case 'end all': {
      const keep = family && (await store.loadSession(family.session.id))
      return user && endAllSessions({ ...snapshot, user }, 'password_changed', { keep, device: given.device })
    }
    case 'change client': {
      const row = client ?? declareClient({ id: `client-${one.other % 2}` })
      return given.change([
        older({ table: 'client', row: { ...row, epoch: row.epoch + (one.which === 0 ? 1 : 0) } }, stale),
      ])
    }
    case 'restore':
      return given.change([{ table: 'issuer', row: { ...issuer, restoredAt: now, epoch: issuer.epoch + 1 } }])
    default:
      return undefined
  }

  function loginOf(owner: User) {
    return { snapshot, user: owner, device: given.device, amr: ['pwd'], random }
  }
}

function refresh(snapshot: FamilySnapshot, generation: number): Change | undefined {
  const token = openRefreshToken(given.token(snapshot.family, generation), () => given.refreshKey.key)
  if (typeof token === 'string') throw new Error(token)
  const client = snapshot.client as AuthenticatedClient
  const jkt = snapshot.family.jkt ?? undefined
  return redeemRefreshToken({ token, snapshot, client, jkt, device: given.device }).change
}

/** The write as of an earlier read. */
function older(write: Write, versions: number): Write {
  return { ...write, row: { ...write.row, version: write.row.version - versions } } as Write
}

function pick(ids: ReadonlySet<string>, index: number): string {
  return [...ids][index % Math.max(1, ids.size)] ?? 'none'
}

/** The same bytes for the same time: both engines are given the same ids. */
function randomOf(seed: Instant): RandomBytes {
  let count = 0
  return length => createHash('sha256').update(`${seed} ${count++}`).digest().subarray(0, length)
}

/** All that can be asked of a store about what is known. */
async function everything(store: Store, known: Known): Promise<unknown> {
  const all = <T>(ids: Iterable<string>, load: (id: string) => Promise<T>) => Promise.all([...ids].map(load))
  const addresses = Array.from({ length: 8 }, (_, index) => `${index}@example.org`)
  return {
    issuer: await store.loadIssuer(),
    clients: await store.listClients({ limit: 100 }),
    users: await all(known.users, id => store.loadUser(id)),
    byAddress: await all(addresses, address => store.loadUserByEmail(address)),
    byIdentity: await all('01234567', subject => store.loadUserByIdentity('google', subject)),
    identities: await all(known.users, id => store.listIdentities(id)),
    sessions: await all(known.sessions, id => store.loadSession(id)),
    families: await all(known.families, id => store.loadFamily(id)),
    lists: await all(known.users, id => store.listSessions(id)),
    audit: await store.readAudit(0, 1000),
    feed: await store.feed.snapshot(),
    later: await Promise.all(Array.from({ length: 40 }, (_, number) => store.feed.after(number))),
  }
}
