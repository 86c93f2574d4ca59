import { isRefusal } from '@countersign/protocol'
import { expect, test } from 'vitest'
import { readParameters, repeatable } from './read-form.ts'

function read(text: string, mayRepeat?: ReadonlySet<string>): unknown {
  const parameters = readParameters(text, mayRepeat)
  return isRefusal(parameters) ? parameters.reason : Object.fromEntries(parameters)
}

test('nothing is repeated unless it may be, and then this name alone (RFC 6749 §3.1, RFC 8707 §2)', () => {
  expect(read('resource=urn:a&resource=urn:b')).toBe('parameter_duplicated')
  expect(read('resource=urn:a&resource=urn:b', repeatable)).toEqual({ resource: 'urn:a urn:b' })
  expect(read('scope=a&scope=b', repeatable)).toBe('parameter_duplicated')
  expect(read('resource=&resource=urn:a&resource=', repeatable)).toEqual({ resource: 'urn:a' })
  expect(read('resource=&resource=', repeatable)).toEqual({})
})

test('what was read and is written again reads the same', () => {
  const first = readParameters('resource=urn:a&resource=https://b.example/x%20y&state=%26', repeatable)
  if (isRefusal(first)) throw new Error(first.reason)
  const again = readParameters(new URLSearchParams([...first]).toString())
  expect(again).toEqual(first)
})
