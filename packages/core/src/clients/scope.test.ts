import { describe, expect, test } from 'vitest'
import { grantScope, narrowScope, parseScope } from './scope.ts'

describe('a scope', () => {
  test('is words with single spaces between them, each once', () => {
    expect(parseScope('account notes account')).toEqual(['account', 'notes'])
    expect(parseScope('https://api.example/read !#$%')).toEqual(['https://api.example/read', '!#$%'])
  })

  test.each([
    '',
    ' ',
    ' account',
    'account ',
    'account  notes',
    'account\tnotes',
    'a"b',
    'a\\b',
    'account\n',
    'nötes',
    'a\0b',
  ])('is refused if malformed (RFC 6749 §3.3): %j', text => {
    expect(parseScope(text)).toBeUndefined()
  })

  test('of a megabyte is judged at once', () => {
    expect(parseScope(`${'a '.repeat(500_000)}"`)).toBeUndefined()
  })
})

describe('what a client gets', () => {
  const allowed = ['account', 'notes', 'admin']

  test('is what it asked for, or its default', () => {
    expect(grantScope('notes account', allowed, ['account'])).toBe('notes account')
    expect(grantScope(undefined, allowed, ['account'])).toBe('account')
    expect(grantScope('', allowed, ['account'])).toBe('account')
    expect(grantScope(undefined, allowed, [])).toBe('')
  })

  test('is nothing if it asked for more than it may: nothing is cut silently', () => {
    expect(grantScope('account root', allowed, ['account'])).toBeUndefined()
    expect(grantScope('Account', allowed, ['account'])).toBeUndefined()
    expect(grantScope('__proto__', allowed, ['account'])).toBeUndefined()
  })
})

describe('at a refresh', () => {
  test('the scope is what was granted, or less (RFC 6749 §6)', () => {
    expect(narrowScope(undefined, 'account notes')).toBe('account notes')
    expect(narrowScope('notes', 'account notes')).toBe('notes')
    expect(narrowScope('notes account', 'account notes')).toBe('notes account')
  })

  test('GHSA-p2fr-6hmx-4528: never more', () => {
    for (const wider of ['admin', 'account admin', 'account notes admin', 'account notes ']) {
      expect(narrowScope(wider, 'account notes')).toBeUndefined()
    }
    expect(narrowScope('account', '')).toBeUndefined()
    expect(narrowScope(undefined, '')).toBe('')
  })
})
