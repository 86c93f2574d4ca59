import { expect, test } from 'vitest'
import { readSettings } from './client-commands.ts'
import { WrongConfiguration } from './configuration-problems.ts'

test('settings are key=value: lists at commas, numbers and the like as JSON, all else as text', () => {
  expect(
    readSettings([
      'name=A = B, or not',
      'redirect_uris=https://a.example/?x=1,com.example.app:/cb',
      'scopes=',
      'first_party=true',
      'jwks_uri=null',
      'access_token_seconds=60',
      'jwks=[{"kty":"EC"}]',
      'owner_id=trueblue',
      'uri=1.example',
    ]),
  ).toEqual({
    name: 'A = B, or not',
    redirect_uris: ['https://a.example/?x=1', 'com.example.app:/cb'],
    scopes: [],
    first_party: true,
    jwks_uri: null,
    access_token_seconds: 60,
    jwks: [{ kty: 'EC' }],
    owner_id: 'trueblue',
    uri: '1.example',
  })
})

test.each(['', 'name', '=x'])('%j is no setting', written => {
  expect(() => readSettings([written])).toThrow(WrongConfiguration)
})
