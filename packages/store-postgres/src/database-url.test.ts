import * as given from '@countersign/store/given'
import { expect, test } from 'vitest'
import { checkDatabaseUrl } from './database-url.ts'
import { migratePostgres, openPostgresStore } from './open-postgres-store.ts'

const base = 'postgres://countersign:the-password@127.0.0.1:1/logins'

test.each([
  '',
  '?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem',
  '?sslmode=disable',
  '?ssl=true&application_name=node-1&options=-c%20geqo%3Doff&target_session_attrs=read-write',
])('the database may be at …/logins%s', query => {
  expect(() => checkDatabaseUrl(`${base}${query}`)).not.toThrow()
})

test.each([
  'postgres://a:1,b:2/logins?sslmode=verify-full',
  'postgres://me@/logins?host=/run/postgresql',
  'postgresql:///logins',
])('%s is a URL of a database', url => {
  expect(() => checkDatabaseUrl(url)).not.toThrow()
})

test.each([
  ['sslmode=verify_full', 'sslmode in the database'],
  ['sslmode=', 'sslmode in the database'],
  ['sslmode=verify-full&sslmode=disable', 'sslmode stands twice'],
  ['sslrootcert=', 'sslrootcert in the database'],
  ['ssl=yes', 'ssl in the database'],
  ['ssl_mode=verify-full', 'not known; known: sslmode, '],
  ['sslMode=verify-full', 'not known; known: sslmode, '],
  ['constructor=x', 'not known; known: sslmode, '],
  ['#sslmode=verify-full', 'has a #'],
])('who has written %s is told so before anybody is told the password', async (query, message) => {
  const url = `${base}?${query}`
  const options = given.storeOptions(given.clock())
  const refused = { name: 'StoreUnavailable', message: expect.stringContaining(message) }
  await expect(openPostgresStore({ ...options, url })).rejects.toMatchObject(refused)
  await expect(openPostgresStore({ ...options, url: base, listenUrl: url })).rejects.toMatchObject(refused)
  await expect(migratePostgres({ url })).rejects.toMatchObject(refused)
})

test('what is no URL is told so, without a word of it', async () => {
  const url = 'postgres://me:se#cret@db/logins'
  await expect(migratePostgres({ url })).rejects.toMatchObject({ message: "the database's URL cannot be read" })
})
