import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'

/** Canonical JSON (RFC 8785) of what stands in the log: members sorted, no spaces. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

interface Row {
  number: number
  record: { event: string; facts?: { through?: number; hash?: string } }
  sealedPersonal: string | null
  hash: string
}

function follows({ number, record, sealedPersonal, hash }: Row, before: string): boolean {
  const body = Buffer.from(canonical({ number, record, sealedPersonal }))
  const chained = Buffer.concat([Buffer.from(before, 'base64url'), body])
  return createHash('sha256').update(chained).digest('base64url') === hash
}

/** The row to go on from, if it is given; else the log's beginning. */
const [after = '0', hashAfter = ''] = process.argv.slice(2)
let last = { number: Number(after), hash: hashAfter }
let first: Row | undefined
/** A log that begins later has a row that says so. */
let isTold = true

for await (const line of createInterface({ input: process.stdin })) {
  const row: Row = JSON.parse(line)
  if (first === undefined && last.number === 0 && row.number > 1) isTold = false
  else if (row.number !== last.number + 1 || !follows(row, last.hash)) {
    throw new Error(`row ${row.number} does not follow from row ${last.number}`)
  }
  first ??= row
  const { event, facts } = row.record
  const isCut = event === 'audit.pruned' && facts?.through === first.number - 1
  if (isCut && follows(first, facts?.hash ?? '')) isTold = true
  last = row
}
if (!isTold) throw new Error(`no row says that those before row ${first?.number} were removed`)
console.log(`whole from row ${first?.number} to row ${last.number}, ${last.hash}`)
