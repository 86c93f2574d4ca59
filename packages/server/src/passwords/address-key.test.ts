import { expect, test } from 'vitest'
import { addressKey, networkKey } from './address-key.ts'

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:c000:207', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['not an address', 'unknown'],
  ['', 'unknown'],
])('%s is counted as %s', (ip, key) => {
  expect(addressKey(ip)).toBe(key)
})

test('all addresses behind 64 bits are one, and those of the neighbour are not', () => {
  expect(addressKey('2001:db8:1:2:ffff:ffff:ffff:ffff')).toBe(addressKey('2001:db8:1:2::'))
  expect(addressKey('2001:db8:1:3::')).not.toBe(addressKey('2001:db8:1:2::'))
})

test('a network is a /48 of IPv6, and an address of IPv4 alone', () => {
  expect(networkKey('2001:db8:1:2::1')).toBe('2001:db8:1::/48')
  expect(networkKey('2001:db8:1:ffff::1')).toBe('2001:db8:1::/48')
  expect(networkKey('2001:db8:2:2::1')).not.toBe(networkKey('2001:db8:1:2::1'))
  expect([networkKey('203.0.113.7'), networkKey('::ffff:203.0.113.7')]).toEqual(['203.0.113.7', '203.0.113.7'])
})
