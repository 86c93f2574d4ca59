import { DatabaseSync } from 'node:sqlite'
import type { Adapter, AdapterConstructor, AdapterPayload } from 'oidc-provider'
import { adapterOfModels, referencesOf } from './adapter-of-models.ts'

const indexed = {
  AuthorizationCode: 'grant_id',
  RefreshToken: 'grant_id',
  AccessToken: 'grant_id',
  Session: 'uid',
} as const

/**
 * oidc-provider's adapter on node:sqlite: a table per model, keyed by the token itself, one index where the model
 * is looked up by something else, statements prepared once. Every call is its own transaction, as the interface demands.
 */
export function sqliteAdapters(path: string): {
  readonly Adapter: AdapterConstructor
  readonly synchronous: (level: 'OFF' | 'NORMAL' | 'FULL') => void
} {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 16384')
  return {
    Adapter: adapterOfModels(model => adapterOf(database, model)),
    synchronous: level => database.exec(`PRAGMA synchronous = ${level}`),
  }
}

function adapterOf(database: DatabaseSync, model: string): Adapter {
  const index = indexed[model as keyof typeof indexed]
  database.exec(`CREATE TABLE IF NOT EXISTS ${model} (
    id TEXT PRIMARY KEY, payload TEXT NOT NULL, consumed_at INTEGER, expires_at INTEGER,
    grant_id TEXT, uid TEXT, user_code TEXT) WITHOUT ROWID`)
  if (index) database.exec(`CREATE INDEX IF NOT EXISTS ${model}_${index} ON ${model} (${index})`)
  const upsert =
    database.prepare(`INSERT INTO ${model} (id, payload, expires_at, grant_id, uid, user_code) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`)
  const by = (column: string): ((value: string) => Promise<AdapterPayload | undefined>) => {
    const select = database.prepare(`SELECT payload, consumed_at FROM ${model} WHERE ${column} = ?`)
    return async value => {
      const row = select.get(value) as { payload: string; consumed_at: number | null } | undefined
      if (!row) return undefined
      const payload = JSON.parse(row.payload) as AdapterPayload
      if (row.consumed_at !== null) payload.consumed = row.consumed_at
      return payload
    }
  }
  const consume = database.prepare(`UPDATE ${model} SET consumed_at = unixepoch() WHERE id = ?`)
  const destroy = database.prepare(`DELETE FROM ${model} WHERE id = ?`)
  const revoke = database.prepare(`DELETE FROM ${model} WHERE grant_id = ?`)
  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn ? Math.floor(Date.now() / 1000) + expiresIn : null
      upsert.run(id, JSON.stringify(payload), expiresAt, ...referencesOf(payload))
    },
    find: by('id'),
    findByUid: by('uid'),
    findByUserCode: by('user_code'),
    consume: async id => void consume.run(id),
    destroy: async id => void destroy.run(id),
    revokeByGrantId: async id => void revoke.run(id),
  }
}
