import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { faultOfDatabaseUrl, faultOfListenUrl } from './database-url.ts'
import { migratePostgres, openPostgresStore } from './open-postgres-store.ts'

const base = 'postgres://countersign:the-password@127.0.0.1:1/logins'

test.each([
  '',
  '?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem',
  '?sslmode=disable',
  '?ssl=true&application_name=node-1&options=-c%20geqo%3Doff&target_session_attrs=read-write',
  '?sslmode=require&channel_binding=require',
  '?sslmode=require&channel_binding=require&options=endpoint%3Dep-cool-name-123',
  '?pgbouncer=true&connect_timeout=15',
  '?sslmode=disable&channel_binding=prefer&keepalives=1&keepalives_idle=30&gssencmode=disable&client_encoding=UTF8',
])('the database may be at …/logins%s', query => {
  expect(faultOfDatabaseUrl(`${base}${query}`)).toBeUndefined()
})

test.each([
  'postgres://a:1,b:2/logins?sslmode=verify-full',
  'postgres://me@/logins?host=/run/postgresql',
  'postgres://me@%2Frun%2Fpostgresql/logins',
  'postgresql:///logins',
  'postgres://me:p%40%25%2F%C3%A9@[::1]:5432/logins',
  'postgres://me:p@ss@host',
])('%s is a URL of a database', url => {
  expect(faultOfDatabaseUrl(url)).toBeUndefined()
})

const port = /^has no host, or no port from 1 to 65535, where one should be.* \/ is written %2F/

test.each([
  ['mysql://me:secret@db/logins', /^must be a URL such as postgres:/],
  ['postgres://me:secret@db/logins\n', /^holds a space or the end of a line/],
  ['postgres://me:se#cret@db/logins', /^has a #: in a password it is written %23$/],
  ['postgres://me:secret%zz@db/logins', /^has a % without two hexadecimal digits.* %25$/],
  ['postgres://me:secret%ff@db/logins', /^has a % without two hexadecimal digits that say UTF-8/],
  ['postgres://me:se/cret@db/logins', port],
  ['postgres://me:1/secret@db/logins', /^has an @ behind the host\. In a user name, a password/],
  ['postgres://me:se?cret@db/logins', port],
  ['postgres://me:secret@db:99999/logins', port],
  ['postgres://me:secret@a,b:99999/logins', port],
  ['postgres://me:secret@db:x/logins', port],
  ['postgres://me:secret@::1/logins', port],
  ['postgres://me:secret@a,/logins', /^has a comma without a host beside it$/],
  ['postgres://me:secret@[1::2::3]/logins', /^cannot be read/],
])('%s: what is wrong with it is said, and nothing that may be a part of a password', (url, fault) => {
  expect(faultOfDatabaseUrl(url)).toMatch(fault)
  expect(faultOfDatabaseUrl(url)).not.toMatch(/secret|cret/)
})

test.each([
  ['sslmode=verify_full', 'has sslmode, which must be one of verify-full, '],
  ['sslmode=', 'has sslmode, which must be one of'],
  ['sslmode=verify-full&sslmode=disable', 'has sslmode twice'],
  ['sslrootcert=', 'has sslrootcert, which must be the path of a file'],
  ['sslrootcert=system', 'leave it out'],
  ['ssl=yes', 'has ssl, which must be one of true, 1, 0'],
  ['ssl_mode=verify-full', 'not known; did you mean sslmode?'],
  ['sslMode=verify-full', 'not known; did you mean sslmode?'],
  ['constructor=x', 'not known; known: sslmode, '],
  ['#sslmode=verify-full', 'has a #'],
  ['port=x', 'has port, which must be a number from 1 to 65535'],
  ['port=65536', 'has port, which must be a number from 1 to 65535'],
  ['host=a,b', 'has host, which must be one host: several stand before the path'],
  ['connect_timeout=0', 'has connect_timeout, which must be a whole number of seconds, from 1'],
  ['target_session_attrs=standby', 'a node uses the primary in any case'],
  ['channel_binding=required', 'has channel_binding, which must be one of require, prefer, disable'],
  ['channel_binding=require', 'say sslmode=verify-full too'],
  ['sslmode=disable&channel_binding=require', 'say sslmode=verify-full too'],
  ['sslmode=disable&sslrootcert=/ca.pem', 'wants no TLS (sslmode=disable) and TLS (sslrootcert)'],
  ['ssl=0&sslmode=require', 'wants no TLS (ssl=0) and TLS (sslmode)'],
  ['sslmode=disable&sslnegotiation=direct', 'wants no TLS (sslmode=disable) and TLS (sslnegotiation)'],
  ['sslmode=verify-full&sslcert=/c.pem', 'has one of sslcert and sslkey'],
  ['sslmode=verify-ca&uselibpqcompat=true', 'has sslmode=verify-ca without sslrootcert'],
  ['schema=public', 'has schema, which means nothing here: leave it out'],
  ['connection_limit=1', 'database_connections says'],
  ['sslcrl=/crl.pem', 'lists of revoked certificates are not read'],
  ['require_auth=scram-sha-256', 'say channel_binding=require in its place'],
  ['keepalives_count=3', 'the system decides on it'],
  ['supa=base-pooler.x', 'say pgbouncer=true in its place'],
])('who has written %s is told so before anybody is told the password', async (query, message) => {
  const url = `${base}?${query}`
  const options = given.storeOptions(given.clock())
  const refused = (where: string) => ({
    name: 'StoreUnavailable',
    message: expect.stringMatching(new RegExp(`^${where} has|^${where} wants`)),
  })
  expect(faultOfDatabaseUrl(url)).toContain(message)
  await expect(openPostgresStore({ ...options, url })).rejects.toMatchObject(refused("the database's URL"))
  await expect(openPostgresStore({ ...options, url: base, listenUrl: url })).rejects.toMatchObject(
    refused('the URL to listen at'),
  )
  await expect(migratePostgres({ url })).rejects.toMatchObject(refused("the database's URL"))
})

test('nobody listens behind a pooler in transaction mode', () => {
  expect(faultOfListenUrl(`${base}?pgbouncer=true`)).toContain('has pgbouncer=true, behind which nobody hears')
  expect(faultOfListenUrl(`${base}?pgbouncer=false`)).toBeUndefined()
})
