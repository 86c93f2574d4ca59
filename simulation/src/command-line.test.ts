import { expect, test } from 'vitest'
import { readCommand } from './command-line.ts'

test('a seed is replayed, a number of seeds or minutes is played, a thousand seeds by default', () => {
  expect(readCommand(['--seed', '7'])).toEqual({ do: 'replay', seed: 7 })
  expect(readCommand(['--seeds', '20', '--json', '--from', '5'])).toEqual({
    do: 'seeds',
    first: 5,
    count: 20,
    json: true,
  })
  expect(readCommand(['--minutes', '0.5'])).toEqual({ do: 'minutes', first: 1, minutes: 0.5, json: false })
  expect(readCommand([])).toEqual({ do: 'seeds', first: 1, count: 1_000, json: false })
})

test.each([
  [['--sedes', '5'], /--sedes/],
  [['--seed'], /seed/],
  [['--seed', 'abc'], /--seed must be a whole number/],
  [['--seed', '-3'], /seed/],
  [['--seeds', '0'], /--seeds must be a whole number from 1/],
  [['--minutes', '0'], /--minutes must be a number above zero/],
  [['--minutes', 'Infinity'], /--minutes must be a number above zero/],
  [['--seed', '1', '--seeds', '2'], /only one/],
  [['--seed', '1', '--from', '2'], /--from does not go/],
  [['7'], /7/],
])('%j gets a message that says what is wrong', (words, message) => {
  expect(() => readCommand(words)).toThrow(message)
})
