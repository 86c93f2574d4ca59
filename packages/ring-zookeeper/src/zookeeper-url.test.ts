import { expect, test } from 'vitest'
import { parseZookeeperUrl } from './zookeeper-url.ts'

test('one server or several, with a user, a port and a path of their own', () => {
  expect(parseZookeeperUrl('zookeeper://zk')).toEqual({
    servers: [{ host: 'zk', port: 2181 }],
    path: '/countersign/keys',
    credentials: undefined,
  })
  expect(parseZookeeperUrl('zookeeper://me:p%40ss%2F@a.example:2182,10.0.0.2,[::1]:2183/auth/keys')).toEqual({
    servers: [
      { host: 'a.example', port: 2182 },
      { host: '10.0.0.2', port: 2181 },
      { host: '::1', port: 2183 },
    ],
    path: '/auth/keys',
    credentials: 'me:p@ss/',
  })
})

test.each([
  'zookeeper://',
  'zookeeper:///keys',
  'http://zk/keys',
  'zookeeper://a,,b/keys',
  'zookeeper://a:0/keys',
  'zookeeper://a:65536/keys',
  'zookeeper://user@a/keys',
  'zookeeper://user:%zz@a/keys',
  'zookeeper://a/keys/',
  'zookeeper://a//keys',
  'zookeeper://a/../keys',
  'zookeeper://a/zookeeper/keys',
  'zookeeper://a/k eys',
  'zookeeper://a/keys?x=1',
])('%s is none', url => {
  expect(parseZookeeperUrl(url)).toBeUndefined()
})
