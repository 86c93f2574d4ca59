import { expect, test } from 'vitest'
import { createTrustedProxies } from './trusted-proxies.ts'

const log = { info() {}, warn() {}, error() {} }

test.each([
  ['2001:DB8::1', '2001:db8::1'],
  ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
  ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:a00:1', '10.0.0.1'],
  ['10.0.0.1', '::ffff:10.0.0.1'],
  ['0:0:0:0:0:0:0:1', '::1'],
])(
  'a trusted proxy that is written as %s is the peer %s, and no other, and is known among the hops',
  (written, peer) => {
    const proxies = createTrustedProxies([written], log)
    expect([proxies.has(peer), proxies.has('2001:db8::2'), proxies.has('10.0.0.2')]).toEqual([true, false, false])
    expect(proxies.clientAddress(peer, `2001:DB8:0::7, ${written}`)).toBe('2001:db8::7')
  },
)
