import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'

/** Canonical JSON (RFC 8785) of what stands in the log: members sorted, no spaces. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

let last = { number: 0, hash: '' }
for await (const line of createInterface({ input: process.stdin })) {
  const { number, record, sealedPersonal, hash } = JSON.parse(line)
  const chained = Buffer.concat([
    Buffer.from(last.hash, 'base64url'),
    Buffer.from(canonical({ number, record, sealedPersonal })),
  ])
  const isNext = number === last.number + 1
  if (!isNext || createHash('sha256').update(chained).digest('base64url') !== hash) {
    throw new Error(`row ${number} does not follow from row ${last.number}`)
  }
  last = { number, hash }
}
console.log(`whole up to row ${last.number}, ${last.hash}`)
