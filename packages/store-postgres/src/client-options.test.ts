import { expect, test } from 'vitest'
import { clientOptions } from './client-options.ts'

const base = 'postgres://me@db/logins'

test('the driver is told what a URL says of time and channel binding; nobody is waited for longer than the node does', () => {
  const urls = ['', '?connect_timeout=2', '?connect_timeout=15&keepalives_idle=30', '?channel_binding=prefer']
  const common = { keepAlive: true, connectionTimeoutMillis: 5_000, enableChannelBinding: false }
  expect(urls.map(query => clientOptions(`${base}${query}`, 5_000))).toEqual([
    { ...common, connectionString: base },
    { ...common, connectionString: `${base}${urls[1]}`, connectionTimeoutMillis: 2_000 },
    { ...common, connectionString: `${base}${urls[2]}`, keepAliveInitialDelayMillis: 30_000 },
    { ...common, connectionString: `${base}${urls[3]}`, enableChannelBinding: true },
  ])
})

test.each([
  ['?sslmode=require', '?sslmode=verify-full'],
  ['?a=b&sslmode=verify-ca&c=d', '?a=b&sslmode=verify-full&c=d'],
  ['?sslmode=no-verify', '?sslmode=no-verify'],
  ['?sslmode=require&uselibpqcompat=true', '?sslmode=require&uselibpqcompat=true'],
])('what the driver takes %s for is said to it: %s', (query, said) => {
  expect(clientOptions(`${base}${query}`, 1).connectionString).toBe(`${base}${said}`)
})
