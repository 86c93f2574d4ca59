import { expect, test } from 'vitest'
import { domainOf } from './domain-of.ts'

test.each([
  ['app.example.org', 'example.org'],
  ['a.b.c.example.org', 'example.org'],
  ['example.org', 'example.org'],
  ['example.org.', 'example.org'],
  ['a.b.example.co.uk', 'example.co.uk'],
  ['example.co.uk', 'example.co.uk'],
  ['x.example.com.au', 'example.com.au'],
  ['a.example.de', 'example.de'],
  ['localhost', 'localhost'],
  ['203.0.113.7', '203.0.113.7'],
  ['[2001:db8:1:2:3::4]', '2001:db8:1:2::/64'],
])('%s counts as %s', (host, domain) => {
  expect(domainOf(host)).toBe(domain)
})
