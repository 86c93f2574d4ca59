import { isRefusal } from '@countersign/protocol'
import { expect, test } from 'vitest'
import { readPageForm, readParameters, repeatable } from './read-form.ts'

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

test('a value has an end, and on our own pages it is no longer than in the JSON of an API', () => {
  expect(read(`a=${'b'.repeat(32_768)}`)).toEqual({ a: 'b'.repeat(32_768) })
  expect(read(`a=${'b'.repeat(32_769)}`)).toBe('request_malformed')
  expect(read(`resource=${'b'.repeat(20_000)}&resource=${'c'.repeat(20_000)}`, repeatable)).toBe('request_malformed')
  const typed = (body: string) => {
    const header = (name: string) => (name === 'content-type' ? 'application/x-www-form-urlencoded' : undefined)
    const form = readPageForm({ method: 'POST', path: '/sign-in', query: '', body, ip: '203.0.113.7', header } as never)
    return isRefusal(form) ? form.reason : [...form.keys()]
  }
  expect(typed(`password=${'b'.repeat(1024)}`)).toEqual(['password'])
  expect(typed(`password=${'b'.repeat(1025)}`)).toBe('request_malformed')
  // As many characters in six times as many bytes.
  expect(typed(`password=${encodeURIComponent('\u0301'.repeat(1024))}`)).toEqual(['password'])
})
