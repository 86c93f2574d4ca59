import { expect, test } from 'vitest'
import { ownPath } from './sign-in.ts'

const origin = 'https://app.example'

test.each([
  ['/', '/'],
  ['/notes?page=2#top', '/notes?page=2#top'],
  ['/a/../b', '/b'],
  ['/search?to=https://elsewhere.example', '/search?to=https://elsewhere.example'],
])('%s is a path of the app', (wanted, path) => {
  expect(ownPath(wanted, origin)).toBe(path)
})

test.each([
  null,
  '',
  'notes',
  'https://evil.example/',
  'https://app.example.evil.example/',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '\t//evil.example',
  '/\n/evil.example',
  'javascript:alert(1)',
  'data:text/html,hello',
  '/..//evil.example',
  '/.//evil.example',
])('CWE-601: %j leads to the beginning, and nowhere else', wanted => {
  expect(ownPath(wanted, origin)).toBe('/')
})
