import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { emailKey } from '@countersign/core'
import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { openSqliteStore } from './open-sqlite-store.ts'
import { migrate } from './schema.ts'
import { withFolder } from './test-folder.ts'

/** Takes out of a file what later schemas have put in: what is left is as the first one wrote it. */
const asFirstSchema = `
  DROP TABLE short_lived;
  DROP TABLE user_grant;
  ALTER TABLE user DROP COLUMN email_verified_at;
  ALTER TABLE user DROP COLUMN profile;
  ALTER TABLE user DROP COLUMN first_identity;
  ALTER TABLE user DROP COLUMN rights;
  DROP INDEX client_by_origin;
  DROP INDEX client_by_expiry;
  DROP TABLE client_web_origin;
  ALTER TABLE client DROP COLUMN origin;
  ALTER TABLE client DROP COLUMN expires_at;
  ALTER TABLE family DROP COLUMN claims;
  ALTER TABLE family DROP COLUMN authentication;
  ALTER TABLE family DROP COLUMN leaked_at;
  DROP INDEX identity_of_user;
  ALTER TABLE identity DROP COLUMN linked_at;
  ALTER TABLE identity DROP COLUMN unlinked_at;
  ALTER TABLE identity DROP COLUMN told;
  ALTER TABLE identity DROP COLUMN sealed_tokens;
  ALTER TABLE identity DROP COLUMN version;
  CREATE TABLE code (hash TEXT PRIMARY KEY, expires_at INTEGER NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX code_by_expiry ON code (expires_at);
  INSERT INTO code VALUES ('a code', 1, 1, '{}');
  UPDATE client SET body = json_remove(body, '$.consent', '$.pkce', '$.subjectType', '$.origin', '$.oneAuthorizationPerUser');
  PRAGMA user_version = 1;
`

/** The statements that made every table and index, by name; white space does not count. */
function shape(database: DatabaseSync): Record<string, string> {
  const rows = database.prepare('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name').all()
  return Object.fromEntries(rows.map(({ name, sql }) => [String(name), String(sql).replace(/\s+/g, ' ')]))
}

test('a file of the first schema, with users, sessions and logins in it, opens and goes on', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    const clock = given.clock()
    const options = { ...given.storeOptions(clock), file }
    const before = await openSqliteStore(options)
    const login = await given.login(before)
    const { session } = await given.browserSession(before, login.user)
    const bound = await given.login(before, { user: login.user, jkt: given.jkt() })
    const audited = await before.readAudit(0, 100)
    await before.close()
    const database = new DatabaseSync(file)
    database.exec(asFirstSchema)
    database.close()

    const store = await openSqliteStore(options)
    const found = await store.loadUserByEmail(emailKey(login.user.email ?? '') ?? '')
    expect(found.user).toEqual(login.user)
    expect((await store.loadSessionOnly(session.id))?.session).toEqual(session)
    expect((await store.loadFamily(bound.family.id))?.family).toEqual(bound.family)
    expect((await store.loadClient(login.client.id))?.client).toEqual(login.client)
    expect(await store.readAudit(0, 100)).toEqual(audited)
    clock.advance(60)
    expect(await given.redeem(store, login.token)).toMatchObject({ row: 5 })
    const issued = await given.code(store, { user: login.user, session })
    expect((await given.redeemCode(store, issued)).outcome).toMatchObject({ family: { sessionId: session.id } })
    const grant = await given.grant(store, { user: login.user, client: login.client })
    expect(await store.listGrants(login.user.id)).toEqual([grant])
    await store.close()
  })
})

test('a file that was brought up to date has the same tables as a new one', async () => {
  await withFolder(async folder => {
    const file = join(folder, 'countersign.db')
    await (await openSqliteStore({ ...given.storeOptions(given.clock()), file })).close()
    const old = new DatabaseSync(file)
    const made = shape(old)
    old.exec(asFirstSchema)
    const first = new DatabaseSync(':memory:')
    migrate(first, 1)
    expect(shape(old)).toEqual(shape(first))
    first.close()
    migrate(old)
    expect(shape(old)).toEqual(made)
    migrate(old)
    expect(old.prepare("SELECT count(*) AS codes FROM short_lived WHERE kind = 'code'").get()).toEqual({ codes: 0 })
    old.close()
  })
})

test('a file of a later version is refused in a sentence, and left as it is', () => {
  const database = new DatabaseSync(':memory:')
  database.exec('PRAGMA user_version = 1000')
  expect(() => migrate(database)).toThrow('the database was written by a later version (schema 1000')
  expect(shape(database)).toEqual({})
  database.close()
})
