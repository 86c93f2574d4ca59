import { canonicalJson } from '@countersign/protocol'
import type { StoredAuditRow } from '@countersign/store'
import type { Database } from './database.ts'
import { inSchema, statementsIn } from './statements.ts'

/** Writes audit rows as they stand in another store, numbers and hashes included: the chain goes on from there. */
export interface AuditImport {
  /** False if there are rows already. */
  isEmpty(): Promise<boolean>
  put(rows: readonly StoredAuditRow[]): Promise<void>
  close(): Promise<void>
}

export function openAuditImport(database: Database, schema: string): AuditImport {
  const insert = statementsIn(schema)(`INSERT INTO countersign.audit (number, body, hash)
    SELECT number, body, decode(hash, 'base64') FROM json_to_recordset($1::json) AS row(number bigint, body text, hash text)`)
  return {
    async isEmpty() {
      const [row] = await database.script(
        inSchema(
          schema,
          'SELECT EXISTS (SELECT FROM countersign.audit) OR EXISTS (SELECT FROM countersign.audit_unnumbered)',
        ),
      )
      return row?.[0] === false
    },
    async put(rows) {
      const written = rows.map(({ number, record, sealedPersonal, hash }) => ({
        number,
        // As it was hashed: the canonical JSON of the row, without its number and its braces.
        body: canonicalJson({ record, sealedPersonal }).slice(1, -1),
        hash: Buffer.from(hash, 'base64url').toString('base64'),
      }))
      await database.query(insert, [JSON.stringify(written)])
    },
    close: () => database.close(),
  }
}
