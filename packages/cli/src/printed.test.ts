import { expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { describeStart, plainTable } from './printed.ts'

test('a start tells where the data are, how many clients there are, whether people may sign up, and where', () => {
  const flags = { data: '/srv/countersign' }
  const configuration = readConfiguration({ environment: { COUNTERSIGN_SIGN_UP: 'open' }, flags })
  expect(describeStart(configuration, { issuer: 'https://login.example.com', switchedOff: [] }).split('\n')).toEqual([
    '  data      /srv/countersign',
    '  clients   none yet; name them in countersign.json',
    '  sign-up   open',
    '  accounts  https://login.example.com/account',
    '',
  ])
})

test('a start names the database by its place alone, without who logs in and how', () => {
  const flags = { database: 'postgres://countersign:secret@db.example.com:5432/logins?sslmode=verify-full' }
  const started = { issuer: 'https://login.example.com', switchedOff: [] }
  const lines = describeStart(readConfiguration({ environment: {}, flags }), started)
  expect(lines).toContain('  database  db.example.com:5432/logins\n')
  expect(lines).not.toMatch(/secret|countersign:/)
})

test('a table is columns under their names, without quotes and numbers of rows', () => {
  expect(
    plainTable([
      { id: 'long-key', state: 'active' },
      { id: '1', state: 'next' },
    ]),
  ).toBe('id        state\nlong-key  active\n1         next\n')
  expect(plainTable([])).toBe('\n')
})
