import { spawn } from 'node:child_process'
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import {
  auditAnchorHash,
  type Change,
  endSession,
  type JournalRecord,
  pruneAudit,
  type Session,
} from '@countersign/core'
import { createMemoryStore, type Store, StoreUnavailable } from '@countersign/store'
import * as given from '@countersign/store/given'
import { openSqliteStore } from '@countersign/store-sqlite'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openJournal } from './journal-file.ts'
import type { AuditMark } from './journal-line.ts'
import { createLineSeal } from './line-seal.ts'
import { type JournalContents, readJournal } from './read-journal.ts'
import { withJournal } from './with-journal.ts'

const root = mkdtempSync(join(tmpdir(), 'countersign-journal-'))
afterAll(() => rmSync(root, { recursive: true }))

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'one-'))
  path = join(folder, 'journal.jsonl')
})

const clock = given.clock()
const master = Buffer.alloc(32, 5)
const issuer = 'https://login.example'
const lineSeal = createLineSeal(master, issuer)
const log = { info() {}, warn() {}, error() {} }
const journalled = (store: Store): Promise<Store> => withJournal(store, { path, master, issuer, log })
const memoryStore = (): Store => createMemoryStore(given.storeOptions(clock))

async function endOf(store: Store, { id }: Session): Promise<Change> {
  const snapshot = await store.loadSessionOnly(id)
  const change = snapshot && endSession(snapshot, 'signed_out')
  if (change === undefined) throw new Error('it has ended already')
  return change
}

/** The sessions that the journal would end again, in its order. */
async function endedIn(file: string): Promise<readonly string[]> {
  const { records } = await readJournal(file, lineSeal)
  const ended: string[] = []
  for await (const { sessions } of records()) ended.push(...sessions.map(({ id }) => id))
  return ended
}

test('a revocation is on the disk before the store is asked to commit it: a death between the two loses none', async () => {
  const inner = memoryStore()
  let before: readonly string[] = []
  const store = await journalled({
    ...inner,
    async commit(change) {
      before = await endedIn(path)
      return inner.commit(change)
    },
  })
  const { session } = await given.login(store)
  expect(await store.commit(await endOf(store, session))).toBe('committed')
  expect(before).toEqual([session.id])
  await store.close()
})

test('what was not committed because others were first is called off; what may have been committed stands', async () => {
  const inner = memoryStore()
  let isLost = false
  const store = await journalled({
    ...inner,
    async commit(change) {
      const outcome = await inner.commit(change)
      if (isLost) throw new StoreUnavailable('the answer was lost')
      return outcome
    },
  })
  const [{ session: touched }, { session: lost }] = [await given.login(store), await given.login(store)]
  const end = await endOf(store, touched)
  await inner.commit(given.change([{ table: 'session', row: touched }]))
  expect(await store.commit(end)).toBe('conflict')
  const lostEnd = await endOf(store, lost)
  isLost = true
  await expect(store.commit(lostEnd)).rejects.toThrow('the answer was lost')
  await store.close()
  expect(new Set(await endedIn(path))).toEqual(new Set([lost.id]))
})

test('a full disk: nothing is revoked that cannot be written, again and again; with room it goes on, and nothing is glued to the torn line', async () => {
  const child = [
    '--conditions=@countersign/source',
    fileURLToPath(new URL('./full-disk-child.ts', import.meta.url)),
    path,
  ]
  const limited = spawn('/bin/sh', ['-c', 'ulimit -S -f 8; exec "$0" "$@"', process.execPath, ...child], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = (await text(limited.stdout)).trim().split('\n')
  const said = lines.map(line => line.split(' ') as [string, string])
  const ended = said.filter(([what]) => what === 'ended').map(([, id]) => id)
  const [refused] = said.filter(([what]) => what === 'refused').map(([, id]) => id)
  // Two of them when there was room again: the one that had been refused, and one more.
  expect(said.map(([what]) => what).slice(-5)).toEqual(['refused', 'refused', 'refused', 'ended', 'ended'])
  expect(ended.at(-2)).toBe(refused)
  expect(await endedIn(path)).toEqual(ended)
  const { contents } = await readJournal(path, lineSeal)
  expect(contents).toMatchObject({ torn: 1, unreadable: [], records: ended.length })
})

test('what a crash has torn gets a line of its own when somebody writes again', async () => {
  const first = await journalled(memoryStore())
  const [{ session: one }, { session: other }] = [await given.login(first), await given.login(first)]
  await first.commit(await endOf(first, one))
  await first.close()
  appendFileSync(path, '{"time":17')
  expect((await readJournal(path, lineSeal)).contents).toMatchObject({ torn: 1, unreadable: [] })
  const again = await openJournal(path, lineSeal)
  await again.append([recordOf(other.id)])
  await again.close()
  expect(await endedIn(path)).toEqual([one.id, other.id])
  expect((await readJournal(path, lineSeal)).contents).toMatchObject({ torn: 1, unreadable: [] })
})

test('what one of two that write to a file tears takes nothing of what the other was answered for', async () => {
  const [node, command] = [await openJournal(path, lineSeal), await openJournal(path, lineSeal)]
  await node.append([recordOf('first')], { number: 1, hash: 'x' })
  await command.append([recordOf('second')])
  // The command dies in the middle of a line.
  appendFileSync(path, JSON.stringify(recordOf('never')).slice(0, 50))
  await node.append([recordOf('third')])
  await node.append([recordOf('fourth')])
  await Promise.all([command.close(), node.close()])
  expect(await endedIn(path)).toEqual(['first', 'second', 'third', 'fourth'])
  expect((await readJournal(path, lineSeal)).contents).toMatchObject({ records: 4, torn: 1, unreadable: [] })
})

test('a line that is damaged where a write was whole is no torn one, be it the last of its write or not', async () => {
  const journal = await openJournal(path, lineSeal)
  for (const id of ['first', 'second', 'third']) await journal.append([recordOf(id)], { number: 1, hash: 'x' })
  await journal.close()
  const lines = readFileSync(path, 'utf8').split('\n')
  const [first] = ['first', 'second'].map(id => lines.findIndex(line => line.includes(id)))
  const last = lines.findLastIndex(
    (line, number) => line !== '' && number < lines.findIndex(one => one.includes('third')),
  )
  const damaged = lines.map((line, number) => (number === first || number === last ? line.replace('"', '') : line))
  writeFileSync(path, damaged.join('\n'))
  expect((await readJournal(path, lineSeal)).contents).toMatchObject({
    torn: 0,
    unreadable: [Number(first) + 1, last + 1],
  })
})

const recordOf = (id: string): JournalRecord => ({
  time: clock.now(),
  audit: [],
  entries: [],
  sessions: [{ id, epochs: { all: 1 }, endedAt: clock.now(), endReason: 'signed_out' }],
  families: [],
  users: [],
  identities: [],
  grants: [],
  clients: [],
})

test('a command that opens the journal of a node takes nothing of what the node writes meanwhile', async () => {
  const node = await openJournal(path, lineSeal)
  await node.append([recordOf('first')])
  // The node is in the middle of a line when the command looks.
  const line = sealed('second', 1, 'other')
  const half = await open(path, 'a')
  await half.write(line.slice(0, 50))
  const command = await openJournal(path, lineSeal)
  await half.write(line.slice(50))
  await half.close()
  await command.append([recordOf('third')])
  await node.append([recordOf('fourth')])
  await Promise.all([command.close(), node.close()])
  expect(await endedIn(path)).toEqual(['first', 'second', 'third', 'fourth'])
  expect((await readJournal(path, lineSeal)).contents).toMatchObject({ records: 4, torn: 0, unreadable: [] })
})

/** A line as a writer writes it. */
const sealed = (id: string, number: number, writer = 'one'): string =>
  `${lineSeal.seal(recordOf(id), { writer, number })}\n`

test('lines that are damaged are told by their numbers, and are not taken for torn ones', async () => {
  const damaged = sealed('first', 1).replace('time', '"')
  const renamed = sealed('third', 3).replace('sessions', 'sessionz')
  const lines = [damaged, sealed('second', 2), renamed, sealed('fourth', 4).slice(0, 20), '\n\n', sealed('fifth', 4)]
  writeFileSync(path, lines.join('') + sealed('sixth', 5).replace('"', ''))
  expect((await readJournal(path, lineSeal)).contents).toEqual({
    file: path,
    lines: 6,
    records: 2,
    torn: 1,
    unreadable: [1, 3, 7],
    misplaced: [],
    lacks: [],
  })
})

/** A journal of three writers, of which two have written at the same time; and what each of its lines is. */
async function givenLines(): Promise<readonly string[]> {
  const first = await openJournal(path, lineSeal)
  await first.append([recordOf('first'), recordOf('second')], { number: 1, hash: 'x' })
  const command = await openJournal(path, lineSeal)
  await first.append([recordOf('third')])
  await command.append([recordOf('fourth')])
  await Promise.all([first.close(), command.close()])
  const again = await openJournal(path, lineSeal)
  await again.append([recordOf('fifth')])
  await again.append([recordOf('sixth')])
  await again.close()
  return readFileSync(path, 'utf8').split('\n')
}

const contentsOf = async (lines: readonly string[]): Promise<JournalContents> => {
  writeFileSync(path, lines.join('\n'))
  return (await readJournal(path, lineSeal)).contents
}

test('whatever line is left out, changed, moved or repeated, it is told; only what is cut off the end is not', async () => {
  const lines = await givenLines()
  const whole = { torn: 0, unreadable: [], misplaced: [] }
  expect(await contentsOf(lines)).toMatchObject({ ...whole, records: 6 })
  const written = lines.flatMap((line, place) => (line === '' ? [] : [place]))
  const last = written.at(-1)
  for (const place of written) {
    const line = String(lines[place])
    const without = await contentsOf(lines.with(place, ''))
    expect([place, without.misplaced.length > 0]).toEqual([place, place !== last])
    const changed = await contentsOf(
      lines.with(place, line.replace('signed_out', 'signed_in').replace('"hash":"x"', '"hash":"y"')),
    )
    expect(changed).toMatchObject({ unreadable: [place + 1] })
    expect((await contentsOf([...lines, line])).misplaced).toEqual([lines.length + 1])
    expect((await contentsOf([...lines.with(place, ''), line])).misplaced.length > 0).toBe(place !== last)
  }
  expect(await contentsOf(lines.slice(0, last))).toMatchObject(whole)
})

test('a line that was cut short to look torn is told by the next one of its writer', async () => {
  const lines = await givenLines()
  const place = lines.findIndex(line => line.includes('"first"'))
  const cut = lines.with(place, String(lines[place]).slice(0, 40)).toSpliced(place + 1, 0, '')
  const { torn, unreadable, misplaced } = await contentsOf(cut)
  expect([torn, unreadable, misplaced.length]).toEqual([1, [], 1])
})

test('a line that is nobody’s who has the key is none: of another issuer, under another key, without one, or put together', async () => {
  const place = { writer: 'one', number: 1 }
  const [own] = [lineSeal.seal(recordOf('first'), place)]
  const { place: _, mac: __, ...plain } = JSON.parse(own) as Record<string, unknown>
  const forged = [
    JSON.stringify(plain),
    JSON.stringify({ ...plain, place }),
    createLineSeal(master, 'https://staging.example').seal(recordOf('first'), place),
    createLineSeal(Buffer.alloc(32, 6), issuer).seal(recordOf('first'), place),
    own.replace('"number":1', '"number":2'),
    own.replace(',"mac":', ',"users":[],"mac":'),
    `${own.slice(0, -2)}A"}`,
  ]
  const { unreadable, records } = await contentsOf([...forged, own, ''])
  expect([unreadable, records]).toEqual([[1, 2, 3, 4, 5, 6, 7], 1])
})

test('a mark that somebody else has put into the file moves nothing', async () => {
  const journal = await openJournal(path, lineSeal)
  await journal.append([], { number: 7, hash: 'x' })
  await journal.close()
  appendFileSync(path, '\n\n{"through":{"number":9,"hash":"y"}}\n')
  const again = await openJournal(path, lineSeal)
  expect(again.mark()).toEqual({ number: 7, hash: 'x' })
  await again.close()
})

test('of a journal of more than two gigabytes the end alone is looked at when it is opened', async () => {
  await givenSparse(2 ** 31)
  const journal = await openJournal(path, lineSeal)
  await journal.append([recordOf('last')], { number: 7, hash: 'x' })
  await journal.close()
  const again = await openJournal(path, lineSeal)
  expect(again.mark()).toEqual({ number: 7, hash: 'x' })
  await again.close()
})

test('a journal that is longer than any string is read', async () => {
  await givenSparse(2 ** 29)
  appendFileSync(path, sealed('last', 2))
  const { contents, records } = await readJournal(path, lineSeal)
  expect(contents).toMatchObject({ records: 2, torn: 0, unreadable: [2] })
  expect((await records().next()).value).toMatchObject({ sessions: [{ id: 'first' }] })
})

/** A record, and so many bytes that cannot be read and take no room on the disk. */
async function givenSparse(bytes: number): Promise<void> {
  writeFileSync(path, sealed('first', 1))
  truncateSync(path, bytes)
  appendFileSync(path, '\n')
}

test('what somebody else revokes gets into the journal from the audit log: while the node runs, and from before it started', async () => {
  const shared = memoryStore()
  const logins = []
  for (let number = 0; number < 4; number++) logins.push((await given.login(shared)).session)
  const [before, meanwhile, away, own] = logins as [Session, Session, Session, Session]
  // A journal begins with what comes.
  await shared.commit(await endOf(shared, before))
  const keptOpen = { ...shared, close: async () => {} }
  const node = await journalled(keptOpen)
  await shared.commit(await endOf(shared, meanwhile))
  await expect.poll(() => endedIn(path)).toEqual([meanwhile.id])
  await node.close()
  await shared.commit(await endOf(shared, away))
  const again = await journalled(keptOpen)
  expect(await endedIn(path)).toEqual([meanwhile.id, away.id])
  await again.commit(await endOf(again, own))
  await again.close()
  await (await journalled(keptOpen)).close()
  // Nothing is there twice.
  expect(await endedIn(path)).toEqual([meanwhile.id, away.id, own.id])
})

test('after a backup was restored, the journal goes on from where its log and the store’s were the same', async () => {
  const file = join(folder, 'countersign.sqlite')
  const openFile = (): Promise<Store> => openSqliteStore({ ...given.storeOptions(clock), file })
  const first = await journalled(await openFile())
  const sessions = []
  for (let number = 0; number < 5; number++) sessions.push((await given.login(first)).session)
  const [one, two, three, four] = sessions as [Session, Session, Session, Session]
  await first.commit(await endOf(first, one))
  await first.close()
  copyFileSync(file, `${file}.backup`)
  const since = await journalled(await openFile())
  await since.commit(await endOf(since, two))
  await since.close()
  const length = readFileSync(path).length

  copyFileSync(`${file}.backup`, file)
  // Two rows, by somebody without a journal: the log is as long as it was, and another one.
  const other = await openFile()
  await other.commit(await endOf(other, three))
  await other.commit(await endOf(other, four))
  await other.close()
  await (await journalled(await openFile())).close()
  const written = join(folder, 'since.jsonl')
  writeFileSync(written, readFileSync(path).subarray(length))
  expect((await endedIn(written)).slice(-2)).toEqual([three.id, four.id])
})

/** A data folder whose backup can be put back. */
function givenFile(): { open: () => Promise<Store>; backUp: () => void; restore: () => void } {
  const file = join(folder, 'countersign.sqlite')
  return {
    open: () => openSqliteStore({ ...given.storeOptions(clock), file }),
    backUp: () => copyFileSync(file, `${file}.backup`),
    restore: () => copyFileSync(`${file}.backup`, file),
  }
}

test('a journal that is newer than the backup gets what came since the restore; what is older than the journal is neither loaded nor written', async () => {
  const { open: openFile, backUp, restore } = givenFile()
  const first = await openFile()
  const [{ session: older }, { session: newer }] = [await given.login(first), await given.login(first)]
  await first.commit(await endOf(first, older))
  await first.close()
  backUp()
  clock.advance(86_400)
  const since = await openFile()
  await since.commit(await endOf(since, (await given.login(since)).session))
  await (await journalled(since)).close()

  restore()
  clock.advance(3_600)
  const other = await openFile()
  await other.commit(await endOf(other, newer))
  const loaded: string[] = []
  const loadSession: Store['loadSession'] = id => {
    loaded.push(id)
    return other.loadSession(id)
  }
  await (await journalled({ ...other, loadSession })).close()
  expect(loaded).toEqual([newer.id])
  expect(await endedIn(path)).toEqual([newer.id])
})

test.each([1, 3])(
  'of %i writes to a journal none is in the backup, which is from when it was begun: it goes on from there',
  async writes => {
    const { open: openFile, backUp, restore } = givenFile()
    const first = await openFile()
    const sessions = []
    for (let number = 0; number < 7; number++) sessions.push((await given.login(first)).session)
    const [before, after, ...lost] = sessions as [Session, Session, ...Session[]]
    await first.commit(await endOf(first, before))
    await (await journalled(first)).close()
    backUp()
    const node = await journalled(await openFile())
    for (const session of lost.slice(0, writes)) {
      await node.commit(await endOf(node, session))
      // The mark moves with what others do.
      await node.commit(given.change([], { audit: [{ event: 'key.retired', time: clock.now(), facts: { key: 'k' } }] }))
    }
    await node.close()
    restore()
    const other = await openFile()
    await other.commit(await endOf(other, after))
    await (await journalled(other)).close()
    const ended = await endedIn(path)
    expect(ended).not.toContain(before.id)
    expect(ended).toContain(after.id)
  },
)

/** Removes the rows up to one, and deletes them. */
async function prune(store: Store, through: number): Promise<void> {
  const anchor = (await store.loadShortLived('auditAnchor', auditAnchorHash))?.row
  const [last] = await store.readAudit(through - 1, 1)
  if (last === undefined) throw new Error(`there is no row ${through}`)
  const rows = through - (anchor?.number ?? 0)
  await store.commit(pruneAudit(anchor, { last, after: 0, rows, before: 1 }, { now: clock.now() }))
  while ((await store.deletePrunedAudit(1_000)) > 0);
}

const newestNumber = async (store: Store, after = 0): Promise<number> =>
  (await store.readAudit(after, 10_000)).at(-1)?.number ?? after

test('a cut behind which the journal is already takes nothing from it, nor from one that begins', async () => {
  const shared = memoryStore()
  const keptOpen = { ...shared, close: async () => {} }
  const logins = []
  for (let number = 0; number < 4; number++) logins.push((await given.login(shared)).session)
  const [before, away, fresh] = logins as [Session, Session, Session]
  await (await journalled(keptOpen)).close()
  const place = await newestNumber(shared)
  await shared.commit(await endOf(shared, before))
  await prune(shared, place)
  await (await journalled(keptOpen)).close()
  expect(await endedIn(path)).toEqual([before.id])
  // Exactly up to where the journal has come: its last row is the anchor.
  await shared.commit(await endOf(shared, away))
  await prune(shared, (await openedMark()).number)
  await (await journalled(keptOpen)).close()
  expect(await endedIn(path)).toEqual([before.id, away.id])
  expect((await readJournal(path, lineSeal)).contents.lacks).toEqual([])
  path = join(folder, 'another.jsonl')
  const another = await journalled(keptOpen)
  await shared.commit(await endOf(shared, fresh))
  await another.close()
  expect(await endedIn(path)).toEqual([fresh.id])
})

async function openedMark(): Promise<AuditMark> {
  const journal = await openJournal(path, lineSeal)
  const mark = journal.mark()
  await journal.close()
  if (mark === undefined) throw new Error('it has no mark')
  return mark
}

test('a journal that lacks rows which were removed meanwhile goes on behind them, says so, and tells whoever restores', async () => {
  const shared = memoryStore()
  const keptOpen = { ...shared, close: async () => {} }
  const [{ session: lost }, { session: kept }] = [await given.login(shared), await given.login(shared)]
  await (await journalled(keptOpen)).close()
  const after = (await openedMark()).number
  await shared.commit(await endOf(shared, lost))
  const through = await newestNumber(shared)
  await shared.commit(await endOf(shared, kept))
  await prune(shared, through)
  const said: string[] = []
  const warn = (facts: object, text: string): void => void said.push(`${text} ${JSON.stringify(facts)}`)
  await (await withJournal(keptOpen, { path, master, issuer, log: { ...log, warn } })).close()
  expect(await endedIn(path)).toEqual([kept.id])
  expect(said).toEqual([expect.stringMatching(/lacks .* removed .*"after":\d+,"through":\d+/)])
  expect((await readJournal(path, lineSeal)).contents.lacks).toEqual([{ after, through }])
  // Once.
  await (await withJournal(keptOpen, { path, master, issuer, log: { ...log, warn } })).close()
  expect(said).toHaveLength(1)
})

test('what is lacking stands in the journal once, whatever is written right behind it, in a line that nobody else can make', async () => {
  const journal = await openJournal(path, lineSeal)
  const lacking = journal.append([], { number: 9, hash: 'of row 9', lacksAfter: 4 })
  await Promise.all([lacking, journal.append([recordOf('one')]), journal.append([recordOf('two')])])
  await journal.close()
  expect((await openedMark()).lacksAfter).toBeUndefined()
  const { contents } = await readJournal(path, lineSeal)
  expect(contents).toMatchObject({ records: 2, lacks: [{ after: 4, through: 9 }], unreadable: [] })
  writeFileSync(path, readFileSync(path, 'utf8').replace('"lacksAfter":4', '"lacksAfter":8'))
  expect((await readJournal(path, lineSeal)).contents).toMatchObject({ lacks: [], unreadable: [3] })
})

test('one that could not be written while rows were removed goes on behind them, and says so', async () => {
  const shared = memoryStore()
  let isAway = true
  const away: Store = {
    ...shared,
    close: async () => {},
    readAudit: async (after, limit) => {
      if (isAway) throw new StoreUnavailable('the database is away')
      return shared.readAudit(after, limit)
    },
  }
  isAway = false
  const said: string[] = []
  const warn = (facts: object, text: string): void => void said.push(`${text} ${JSON.stringify(facts)}`)
  const [{ session: lost }, { session: kept }] = [await given.login(shared), await given.login(shared)]
  const node = await withJournal(away, { path, master, issuer, log: { ...log, warn } })
  isAway = true
  await shared.commit(await endOf(shared, lost))
  const through = await newestNumber(shared)
  await prune(shared, through)
  isAway = false
  await shared.commit(await endOf(shared, kept))
  await node.close()
  expect(await endedIn(path)).toEqual([kept.id])
  expect(said.filter(text => text.includes('removed'))).toHaveLength(1)
  expect((await readJournal(path, lineSeal)).contents.lacks).toMatchObject([{ through }])
})

test('after a restore of a log that begins behind its anchor, what is left of it is read, however much the journal has of before', async () => {
  const { open: openFile, backUp, restore } = givenFile()
  const first = await openFile()
  const sessions = []
  for (let number = 0; number < 5; number++) sessions.push((await given.login(first)).session)
  const [one, two, three] = sessions as [Session, Session, Session]
  const node = await journalled(first)
  await node.commit(await endOf(node, one))
  await prune(first, 4)
  await node.close()
  backUp()
  const since = await journalled(await openFile())
  await since.commit(await endOf(since, two))
  await since.close()
  restore()
  const other = await openFile()
  await other.commit(await endOf(other, three))
  await (await journalled(other)).close()
  expect(await endedIn(path)).toContain(three.id)
  expect((await readJournal(path, lineSeal)).contents.lacks).toEqual([])
})

test('the rows behind what others have revoked are asked for together', async () => {
  const shared = memoryStore()
  const keptOpen = { ...shared, close: async () => {} }
  await (await journalled(keptOpen)).close()
  for (let number = 0; number < 5; number++) {
    await shared.commit(await endOf(shared, (await given.login(shared)).session))
  }
  let [atOnce, most] = [0, 0]
  const loadSession: Store['loadSession'] = async id => {
    most = Math.max(most, ++atOnce)
    const session = await shared.loadSession(id)
    atOnce--
    return session
  }
  await (await journalled({ ...keptOpen, loadSession })).close()
  expect(most).toBe(5)
  expect(await endedIn(path)).toHaveLength(5)
})

test('a node that cannot write what its journal lacks does not start', async () => {
  const store = memoryStore()
  await given.login(store)
  const full = withJournal(store, { path: '/dev/full', master, issuer, log })
  await expect(full).rejects.toThrow('the revocation journal cannot be written')
})
