import { expect, test } from 'vitest'
import { type CommandLine, readWords } from './command-line.ts'
import { count, number, risingCounts, text } from './values.ts'

interface Own {
  readonly logins: number
  readonly minutes: number
  readonly families: readonly number[]
  readonly json: string
}

const line: CommandLine<Own> = {
  command: 'bench:some',
  measures: { one: 'the first', other: 'the second' },
  seconds: 4,
  page: 'docs/some.md',
  own: {
    logins: { value: 'N', text: 'how many', reader: count },
    minutes: { value: 'N', text: 'how long', reader: number },
    families: { value: 'N,N', text: 'step by step', reader: risingCounts },
    json: { value: 'FILE', text: 'a file', reader: text },
  },
}

test('what is asked for is read as what it is; what is not named is as the benchmark has it', () => {
  const words = ['--minutes', '0.5', '--families', '10,200', '--logins=7', '--rounds', '2', 'other', '--json', 'a.json']
  expect(readWords(line, words)).toMatchObject({
    names: ['other'],
    isWhole: false,
    rounds: 2,
    seconds: 4,
    own: { minutes: 0.5, families: [10, 200], logins: 7, json: 'a.json' },
  })
  expect(readWords(line, ['--short'])).toMatchObject({ names: ['one', 'other'], isWhole: true, rounds: 1, own: {} })
  expect(readWords(line, ['--help'])).toBe('help')
})

test.each([
  [['--rounds', '0'], '--rounds takes a whole number above 0, not "0".'],
  [['--seconds', '1e3'], '--seconds takes a whole number above 0, not "1e3".'],
  [['--logins', 'many'], '--logins takes a whole number above 0, not "many".'],
  [['--logins='], '--logins takes a whole number above 0, not "".'],
  [['--minutes', '0'], '--minutes takes a number above 0, not "0".'],
  [['--minutes', 'Infinity'], '--minutes takes a number above 0, not "Infinity".'],
  [['--families', '10,x'], '--families takes whole numbers above 0, each above the one before, with commas'],
  [['--families', '20,10'], 'each above the one before'],
  [['--json='], '--json takes a word'],
  [['third'], 'There is no "third" to measure.'],
  [['--write', 'no-such-page.md'], 'no-such-page.md is not there'],
  [['--sedes', '5'], '--sedes'],
])('%j gets a sentence that says what is wrong', (words, message) => {
  expect(() => readWords(line, words)).toThrow(message)
})
