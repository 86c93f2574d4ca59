import pg from 'pg'
import type { Row } from '../columns.ts'

let made = 0

/** A schema that nothing was written to yet: as good as a database of one's own, and made in no time. */
export function freshSchema(): string {
  return `test ${process.pid} ${++made}`
}

/** Runs plain SQL on a connection of its own; answers with the rows of the last statement. */
export async function runSql(url: string, text: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url })
  // Whoever ends the server may do so in any moment; the query says it.
  client.on('error', () => {})
  await client.connect()
  try {
    const answer = (await client.query({ text, rowMode: 'array' })) as unknown as { rows: Row[] } | { rows: Row[] }[]
    return Array.isArray(answer) ? (answer.at(-1)?.rows ?? []) : answer.rows
  } finally {
    await client.end()
  }
}
