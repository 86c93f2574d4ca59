import { expect, test } from 'vitest'
import { readConfiguration } from './configuration.ts'
import { describeStart, plainTable } from './printed.ts'

test('a start tells where the data are, how many clients there are, whether people may sign up, and where', () => {
  const flags = { data: '/srv/countersign' }
  const configuration = readConfiguration({ environment: { COUNTERSIGN_SIGN_UP: 'open' }, flags })
  const started = { issuer: 'https://login.example.com', address: 'http://127.0.0.1:4400', switchedOff: [] }
  expect(describeStart(configuration, started).split('\n')).toEqual([
    '  listens   http://127.0.0.1:4400',
    '  data      /srv/countersign',
    '  clients   none yet; name them in countersign.json',
    '  sign-up   open',
    '  accounts  https://login.example.com/account',
    '',
  ])
})

test('a start names the clients that it has switched off, and what was probably not meant', () => {
  const clients = [{ id: 'api', secrets: ['replace-this-by-32-random-bytes-of-your-own'], scopes: ['revocations'] }]
  const environment = { COUNTERSIGN_CLIENTS: JSON.stringify(clients) }
  const configuration = readConfiguration({ environment, flags: {} })
  const [issuer, address] = ['http://127.0.0.1:4400', 'http://127.0.0.1:4400']
  const said = describeStart(configuration, { issuer, address, switchedOff: ['demo', 'demo-api'] })
  expect(said).not.toContain('listens')
  expect(said).toContain('\n            switched off, not named any more: demo, demo-api\n')
  expect(said).toContain('\n  note      secrets of api are placeholders: for this machine alone\n')
  const many = Array.from({ length: 22 }, (_, index) => `client-${index}`)
  expect(describeStart(configuration, { issuer, address, switchedOff: many })).toContain('client-19 and 2 more\n')
})

test('a start names the database by its place alone, without who logs in and how', () => {
  const flags = { database: 'postgres://countersign:secret@db.example.com:5432/logins?sslmode=verify-full' }
  const started = { issuer: 'https://login.example.com', address: 'http://127.0.0.1:4400', switchedOff: [] }
  const lines = describeStart(readConfiguration({ environment: {}, flags }), started)
  expect(lines).toContain('  database  db.example.com:5432/logins\n')
  expect(lines).not.toMatch(/secret|countersign:/)
  const several = { database: 'postgres://countersign:secret@one:5432,two:5433/logins' }
  const otherLines = describeStart(readConfiguration({ environment: {}, flags: several }), started)
  expect(otherLines).toContain('\n  database  one:5432,two:5433/logins\n')
})

test('a start names key ring, Valkey and mail server by their places alone, and that nobody signs in by password', () => {
  const environment = {
    COUNTERSIGN_KEY_RING: 'etcd://us:secret@one:2379,two:2379/keys',
    COUNTERSIGN_VALKEY: 'redis://:secret@valkey:6379/2',
    COUNTERSIGN_SMTP_URL: 'smtp://us:secret@mail.example.com:587',
    COUNTERSIGN_MAIL_FROM: 'login@example.com',
    COUNTERSIGN_PASSWORDS: 'off',
  }
  const [issuer, address] = ['http://127.0.0.1:4400', 'http://127.0.0.1:4400']
  const said = describeStart(readConfiguration({ environment, flags: {} }), { issuer, address, switchedOff: [] })
  expect(said).toContain('  key ring  one:2379,two:2379/keys\n  valkey    valkey:6379/2\n')
  expect(said).toContain('  mail      mail.example.com:587\n')
  expect(said).toContain('  passwords off\n')
  expect(said).not.toContain('secret')
})

test('a table is columns under their names, without quotes and numbers of rows', () => {
  expect(
    plainTable([
      { id: 'long-key', state: 'active' },
      { id: '1', state: 'next' },
    ]),
  ).toBe('id        state\nlong-key  active\n1         next\n')
  expect(plainTable([])).toBe('')
})
