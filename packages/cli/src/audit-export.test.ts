import { type AuditAnchor, pruneAudit } from '@countersign/core'
import type { AuditView } from '@countersign/server'
import { type AuditHead, brokenAuditRow, chainedRow, firstAuditHash } from '@countersign/store'
import { expect, test } from 'vitest'
import { BrokenAuditLog, exportAudit } from './audit-export.ts'

function chain(length: number): AuditView[] {
  const rows: AuditView[] = []
  let head: AuditHead = { number: 0, hash: firstAuditHash }
  for (let time = 1; time <= length; time++) {
    const row = chainedRow(head, { event: 'session.created', time, userId: 'user-1' }, null)
    rows.push({ ...row, personal: null })
    head = row
  }
  return rows
}

/** Three rows a page. */
async function exported(
  rows: readonly AuditView[],
  after = 0,
  anchor?: AuditAnchor,
): Promise<{ lines: string[]; end: unknown; begin?: unknown; toldByRow?: number | undefined }> {
  const lines: string[] = []
  const read = async (from: number) => rows.filter(({ number }) => number > from).slice(0, 3)
  const source = { read, anchor, after }
  try {
    return { lines, ...(await exportAudit(source, async line => void lines.push(line))) }
  } catch (error) {
    return { lines, end: error }
  }
}

/** Eight rows, cut off up to one of them; rows up to where they are left. */
function cutOff(through: number): { all: AuditView[]; left: AuditView[]; anchor: AuditAnchor } {
  const rows = chain(8)
  const last = rows[through - 1]
  const newest = rows.at(-1)
  if (last === undefined || newest === undefined) throw new Error(`there is no row ${through}`)
  const cut = { last, after: 0, rows: through, before: 5 }
  const { audit, writes } = pruneAudit(undefined, cut, { now: 9 })
  const [record] = audit
  const [write] = writes
  if (record === undefined || write?.table !== 'auditAnchor') throw new Error('the cut does not say so')
  const all = [...rows, { ...chainedRow(newest, record, null), personal: null }]
  return { all, left: all.slice(through), anchor: write.row }
}

const timeOf = ({ record }: AuditView): string => new Date(record.time).toISOString()
const numbersIn = (lines: readonly string[]): number[] => lines.map(line => JSON.parse(line).number)

test('every row is a line, page after page, and the end is told', async () => {
  const rows = chain(8)
  const { lines, end } = await exported(rows)
  expect(lines.map(line => JSON.parse(line))).toEqual(rows.map(row => ({ ...row, time: timeOf(row) })))
  expect(lines[0]).toMatch(/^\{"number":1,"time":"1970-01-01T00:00:00\.001Z","record":\{.*"time":1.*\}\n$/)
  expect(end).toMatchObject({ number: 8, hash: rows[7]?.hash })
  const nothing = { number: 0, hash: '' }
  expect(await exported([])).toEqual({ lines: [], begin: nothing, end: nothing, toldByRow: undefined })
})

test('after a row that was seen, it goes on from there, and is checked from there', async () => {
  const rows = chain(8)
  expect(numbersIn((await exported(rows, 5)).lines)).toEqual([6, 7, 8])
  expect(await exported(rows, 8)).toMatchObject({ lines: [], end: { number: 8 } })
  const changed = rows.map(row => (row.number === 5 ? { ...row, hash: rows[0]?.hash ?? '' } : row))
  expect(String((await exported(changed, 5)).end)).toContain('row 6 does not follow')
})

test('a row that was changed, moved or taken away is told, after those before it', async () => {
  const rows = chain(8)
  const changed = rows.map(row => (row.number === 5 ? { ...row, record: { ...row.record, time: 99 } } : row))
  const { lines, end } = await exported(changed)
  expect(numbersIn(lines)).toEqual([1, 2, 3, 4])
  expect(end).toBeInstanceOf(BrokenAuditLog)
  expect(String(end)).toContain('row 5 does not follow from the one before it')
  expect(String((await exported(rows.filter(({ number }) => number !== 4))).end)).toContain('row 5 does not')
})

test('a row that is not there yet, or no more, cannot be gone on from', async () => {
  expect(String((await exported(chain(3), 4)).end)).toContain('The audit log has no row 4.')
})

test('a log that was cut off is whole behind its anchor, and one of its rows says so', async () => {
  const { left, anchor } = cutOff(5)
  const whole = await exported(left, 0, anchor)
  expect(numbersIn(whole.lines)).toEqual([6, 7, 8, 9])
  expect(whole).toMatchObject({ begin: { number: 5, hash: anchor.rowHash }, toldByRow: 9, end: { number: 9 } })
  expect(await exported(left, 5, anchor)).toEqual(whole)
  expect(await exported(left, 7, anchor)).toMatchObject({ begin: { number: 7 }, toldByRow: undefined })
})

test('what was exported before a cut and what is exported after it are one log', async () => {
  const { all, left, anchor } = cutOff(5)
  const [before, after] = [await exported(all), await exported(left, 0, anchor)]
  const last = numbersIn(before.lines).at(-1) ?? 0
  const joined = [...before.lines, ...after.lines.filter(line => JSON.parse(line).number > last)]
  expect(brokenAuditRow(joined.map(line => JSON.parse(line)))).toBeUndefined()
  expect(before.lines.slice(5)).toEqual(after.lines)
})

test('a log whose beginning somebody has cut off is told from one that was cut off by the book', async () => {
  const { left, anchor } = cutOff(5)
  // By hand, with and without an anchor of their own making.
  expect(String((await exported(left, 0)).end)).toContain('row 6 does not follow from the one before it')
  const further = { ...anchor, number: 6, rowHash: left[0]?.hash ?? '' }
  const { lines, end } = await exported(left.slice(1), 0, further)
  expect(numbersIn(lines)).toEqual([7, 8, 9])
  expect(end).toBeInstanceOf(BrokenAuditLog)
  expect(String(end)).toContain('it begins after row 6, and no row says that those before were removed')
  const untold = { ...anchor, rowHash: left[1]?.hash ?? '' }
  expect(String((await exported(left, 0, untold)).end)).toContain('row 6 does not follow')
})
