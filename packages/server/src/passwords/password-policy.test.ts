import { describe, expect, test } from 'vitest'
import { commonPasswords } from './common-passwords.ts'
import { passwordProblem } from './password-policy.ts'

describe('an acceptable password', () => {
  test.each([
    ['eight letters of one kind', 'zebrafun'],
    ['spaces and no digits', 'horses of the west'],
    ['256 characters', 'ab'.repeat(128)],
    ['256 characters outside the basic plane', '😀😃'.repeat(128)],
    ['eight characters of another script', 'пароль дом'],
    ['leading and trailing space', '  zebra fun  '],
    ['256 characters that come with their accents apart', 'e\u0323\u0302a\u0301'.repeat(128)],
    ['as many accents in a row as any language may need', `zebra fun${'\u0323'.repeat(30)}`],
  ])('%s', (_what, password) => {
    expect(passwordProblem(password)).toBeUndefined()
  })
})

describe('a refused password', () => {
  test.each([
    ['seven characters', 'zebrafu', 'at least 8'],
    ['seven characters in fourteen units', '😀😃😄😁😆😅😂', 'at least 8'],
    ['accents that count once when composed', 'e\u0301'.repeat(7), 'at least 8'],
    ['257 characters', `${'ab'.repeat(128)}c`, 'longer than 256'],
    ['a megabyte', 'ab'.repeat(500_000), 'longer than 256'],
    ['nothing', '', 'at least 8'],
    ['NUL', 'zebra\0fun farm', 'cannot be used'],
    ['a lone surrogate', 'zebra\ud800 fun farm', 'cannot be used'],
    ['accents without end', `zebra fun${'\u0301'.repeat(31)}`, 'too many accents'],
    ['one of those that many use', 'password123', 'many people use'],
    ['the same in other case', 'PassWord123', 'many people use'],
    ['the same between spaces', ' password123 ', 'many people use'],
    ['one character over and over', 'zzzzzzzzzzzz', 'many people use'],
  ])('%s', (_what, password, problem) => {
    expect(passwordProblem(password)).toContain(problem)
  })

  test.each(['maria.lopez@example.com', 'Maria.Lopez@Example.com', 'maria.lopez'])(
    'the e-mail address: %s',
    password => {
      expect(passwordProblem(password, { email: 'maria.lopez@example.com' })).toContain('e-mail address')
    },
  )

  test('is never repeated in what is said about it', () => {
    for (const password of ['zebrafu', 'password123', 'zebra\0fun farm', 'maria.lopez']) {
      expect(passwordProblem(password, { email: 'maria.lopez@example.com' })).not.toContain(password)
    }
  })
})

test('the list of common passwords is sorted, in lower case, and holds nothing that another rule refuses', () => {
  const words = [...commonPasswords].filter(word => !word.includes(' '))
  expect(words.length).toBeGreaterThan(200)
  expect(words).toEqual([...words].sort())
  expect(words.filter(word => word.length < 8 || word !== word.toLowerCase())).toEqual([])
})
