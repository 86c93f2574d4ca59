import type { AuditView } from '@countersign/server'
import { type AuditHead, chainedRow, firstAuditHash } from '@countersign/store'
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
async function exported(rows: readonly AuditView[], after = 0): Promise<{ lines: string[]; end: unknown }> {
  const lines: string[] = []
  const read = async (from: number) => rows.filter(({ number }) => number > from).slice(0, 3)
  const end = await exportAudit(read, after, async line => void lines.push(line)).catch((error: Error) => error)
  return { lines, end }
}

const timeOf = ({ record }: AuditView): string => new Date(record.time).toISOString()
const numbersIn = (lines: readonly string[]): number[] => lines.map(line => JSON.parse(line).number)

test('every row is a line, page after page, and the end is told', async () => {
  const rows = chain(8)
  const { lines, end } = await exported(rows)
  expect(lines.map(line => JSON.parse(line))).toEqual(rows.map(row => ({ ...row, time: timeOf(row) })))
  expect(lines[0]).toMatch(/^\{"number":1,"time":"1970-01-01T00:00:00\.001Z","record":\{.*"time":1.*\}\n$/)
  expect(end).toMatchObject({ number: 8, hash: rows[7]?.hash })
  expect(await exported([])).toEqual({ lines: [], end: { number: 0, hash: '' } })
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
