import type { Adapter, AdapterConstructor, AdapterPayload } from 'oidc-provider'
import pg from 'pg'
import { adapterOfModels, referencesOf } from './adapter-of-models.ts'

/** The models that are looked up by something else than their own id. */
const indexed: Readonly<Record<string, readonly string[]>> = {
  AuthorizationCode: ['grant_id'],
  RefreshToken: ['grant_id'],
  AccessToken: ['grant_id'],
  DeviceCode: ['grant_id', 'user_code'],
  Session: ['uid'],
}

/**
 * oidc-provider's adapter on PostgreSQL, as its interface has it: a table per model, keyed by the token itself, the payload as JSON, an index where the model is
 * looked up by something else, named statements on a pool. Every call is its own transaction.
 */
export async function postgresAdapters(url: string, synchronousCommit: 'on' | 'off'): Promise<AdapterConstructor> {
  const pool = new pg.Pool({ connectionString: url, max: 10, options: `-c synchronous_commit=${synchronousCommit}` })
  const models = new Map<string, Adapter>()
  const names = ['Session', 'AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode', 'ClientCredentials']
  names.push('Client', 'InitialAccessToken', 'RegistrationAccessToken', 'Interaction', 'ReplayDetection')
  names.push('BackchannelAuthenticationRequest', 'PushedAuthorizationRequest', 'Grant')
  for (const name of names) models.set(name, await adapterOf(pool, name))
  return adapterOfModels(model => {
    const known = models.get(model)
    if (known === undefined) throw new Error(`there is no table for ${model}`)
    return known
  })
}

async function adapterOf(pool: pg.Pool, model: string): Promise<Adapter> {
  const table = `oidc_${model.toLowerCase()}`
  await pool.query(`CREATE TABLE IF NOT EXISTS ${table} (
    id text PRIMARY KEY, payload jsonb NOT NULL, consumed_at timestamptz, expires_at timestamptz,
    grant_id text, uid text, user_code text)`)
  for (const column of indexed[model] ?? []) {
    await pool.query(`CREATE INDEX IF NOT EXISTS ${table}_${column} ON ${table} (${column})`)
  }
  const run = (name: string, text: string, values: readonly unknown[]): Promise<pg.QueryResult> =>
    pool.query({ name: `${table} ${name}`, text, values: [...values] })
  const by =
    (column: string) =>
    async (value: string): Promise<AdapterPayload | undefined> => {
      const text = `SELECT payload, extract(epoch FROM consumed_at)::integer AS consumed FROM ${table} WHERE ${column} = $1`
      const { rows } = await run(`by ${column}`, text, [value])
      const row = rows[0] as { payload: AdapterPayload; consumed: number | null } | undefined
      return row && { ...row.payload, ...(row.consumed !== null && { consumed: row.consumed }) }
    }
  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn ? new Date(Date.now() + expiresIn * 1000) : null
      const values = [id, payload, expiresAt, ...referencesOf(payload)]
      const text = `INSERT INTO ${table} (id, payload, expires_at, grant_id, uid, user_code) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at`
      await run('upsert', text, values)
    },
    find: by('id'),
    findByUid: by('uid'),
    findByUserCode: by('user_code'),
    consume: async id => void (await run('consume', `UPDATE ${table} SET consumed_at = now() WHERE id = $1`, [id])),
    destroy: async id => void (await run('destroy', `DELETE FROM ${table} WHERE id = $1`, [id])),
    revokeByGrantId: async id => void (await run('revoke', `DELETE FROM ${table} WHERE grant_id = $1`, [id])),
  }
}
