import { InvalidArgumentError } from 'commander'
import { expect, test } from 'vitest'
import { numberOption } from './number-option.ts'

const days = numberOption({ of: 'days', least: 0.01, most: 365, allowsFractions: true })
const rows = numberOption({ least: 0, most: 999 })

test('a number is read as people write it', () => {
  expect(['0.01', '7', '365'].map(days)).toEqual([0.01, 7, 365])
  expect(['0', '007', '999'].map(rows)).toEqual([0, 7, 999])
})

test.each(['', ' ', 'x', '-1', '+1', '1e1', '0x1', '0', '366', 'NaN', 'Infinity', '1.', '.5', '1,5'])(
  '%j is no number of days that an option takes, and is told what is',
  text => {
    expect(() => days(text)).toThrow(new InvalidArgumentError('It must be a number of days from 0.01 to 365.'))
  },
)

test.each(['1.5', '1000', '-0'])('%j is no whole number that an option takes', text => {
  expect(() => rows(text)).toThrow('It must be a whole number from 0 to 999.')
})
