import { expect, test } from 'vitest'
import { grantAudiences } from './grant-audiences.ts'

const issuer = 'https://login.example'
const granted = ['https://api.example', 'urn:notes', 'plain']

test('without a resource it is all that was granted; with some, those (RFC 8707 §2.2)', () => {
  expect(grantAudiences(undefined, issuer, granted)).toEqual(granted)
  expect(grantAudiences('urn:notes', issuer, granted)).toEqual(['urn:notes'])
  expect(grantAudiences('urn:notes https://api.example urn:notes', issuer, granted)).toEqual([
    'urn:notes',
    'https://api.example',
  ])
})

test('the issuer itself is in every token, so it can be named alone or beside others', () => {
  expect(grantAudiences(issuer, issuer, granted)).toEqual([])
  expect(grantAudiences(`${issuer} urn:notes`, issuer, granted)).toEqual(['urn:notes'])
})

test.each([
  ['another', 'https://else.example'],
  ['one too many', 'urn:notes https://else.example'],
  ['with a fragment', 'https://api.example#x'],
  ['no URI, though it is granted', 'plain'],
  ['a relative one', '/api'],
  ['another spelling', 'https://API.example'],
  ['a slash more', 'https://api.example/'],
  ['two spaces', 'urn:notes  urn:notes'],
  ['letters beyond ASCII', 'https://äpi.example'],
])('%s is no resource', (_name, resource) => {
  expect(grantAudiences(resource, issuer, granted)).toBeUndefined()
})
