import type { DatabaseSync } from 'node:sqlite'
import type { AuthorizationCode } from '@countersign/core'
import { prepareRead, wrote } from './statements.ts'

export interface Codes {
  readonly byHash: (hash: string) => AuthorizationCode | undefined
  readonly put: (code: AuthorizationCode) => boolean
}

/** Codes live a minute: they are kept as JSON. */
export function openCodes(database: DatabaseSync): Codes {
  const read = prepareRead(database, 'SELECT body FROM code WHERE hash = ?')
  const insert = database.prepare(
    'INSERT INTO code (expires_at, version, body, hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const update = database.prepare(
    'UPDATE code SET expires_at = ?, version = ?, body = ? WHERE hash = ? AND version = ?',
  )
  return {
    byHash(hash) {
      const row = read.one(hash)
      return row && (JSON.parse(row[0] as string) as AuthorizationCode)
    },
    put(code) {
      const version = code.version + 1
      const body = JSON.stringify({ ...code, version })
      return code.version === 0
        ? wrote(insert, code.expiresAt, version, body, code.hash)
        : wrote(update, code.expiresAt, version, body, code.hash, code.version)
    },
  }
}
