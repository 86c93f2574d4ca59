import { expect, test } from 'vitest'
import { keysAsArguments } from './key-argument.ts'

test.each([`-${'a'.repeat(42)}`, `--${'h'.repeat(41)}`])(
  'a key whose id looks like an option is an argument: %s',
  id => {
    const line = ['node', 'countersign', 'keys', 'retire', id, '--config', 'file.json']
    expect(keysAsArguments(line)).toEqual([...line.filter(word => word !== id), '--', id])
  },
)

test('any other line is left as it is', () => {
  for (const line of [
    ['keys', 'retire', 'a'.repeat(43)],
    ['serve', '--port', '4400', '-h'],
    [`--data=/${'x'.repeat(40)}`],
  ]) {
    expect(keysAsArguments(line)).toBe(line)
  }
})
