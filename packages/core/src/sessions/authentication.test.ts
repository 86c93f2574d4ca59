import { expect, test } from 'vitest'
import { acrOf } from './authentication.ts'

test('acr counts the kinds of factors, and says nothing of what it does not know', () => {
  expect(acrOf(['pwd'])).toBe('urn:countersign:acr:1fa')
  expect(acrOf(['pwd', 'pin'])).toBe('urn:countersign:acr:1fa')
  expect(acrOf(['pwd', 'otp'])).toBe('urn:countersign:acr:2fa')
  expect(acrOf(['mfa'])).toBe('urn:countersign:acr:2fa')
  for (const amr of [[], ['ext'], ['constructor']]) expect(acrOf(amr)).toBeUndefined()
})
