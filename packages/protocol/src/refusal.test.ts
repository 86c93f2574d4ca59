import { describe, expect, test } from 'vitest'
import { type Reason, reasons } from './reasons.ts'
import { challenge, errorBody, isRefusal, refuse } from './refusal.ts'

describe('a refusal', () => {
  test('is a value that is told from any other', () => {
    expect(isRefusal(refuse('token_revoked'))).toBe(true)
    for (const value of [undefined, null, 'refused', {}, { refused: false }, { reason: 'token_revoked' }]) {
      expect(isRefusal(value)).toBe(false)
    }
  })

  test('becomes a body with error, description and reason (RFC 6749 §5.2)', () => {
    expect(errorBody(refuse('token_revoked'))).toEqual({
      error: 'invalid_token',
      error_description: 'The token has been revoked.',
      reason: 'token_revoked',
    })
    expect(errorBody(refuse('parameter_missing', { detail: 'code is missing.' })).error_description).toBe(
      'code is missing.',
    )
  })
})

describe('a challenge', () => {
  test('names error, description and reason (RFC 6750 §3)', () => {
    expect(challenge(refuse('token_revoked'))).toBe(
      'Bearer error="invalid_token", error_description="The token has been revoked.", reason="token_revoked"',
    )
  })

  test('without a token in the request says no error (RFC 6750 §3.1)', () => {
    expect(challenge(refuse('token_missing'))).toBe('Bearer reason="token_missing"')
  })

  test('carries realm, scope and algorithms where they apply (RFC 9449 §7.1)', () => {
    const more = { scheme: 'DPoP', realm: 'api', scope: 'account notes', algs: 'ES256' } as const
    expect(challenge(refuse('scope_insufficient'), more)).toBe(
      'DPoP realm="api", error="insufficient_scope", error_description="The token lacks a scope that this endpoint requires.", reason="scope_insufficient", scope="account notes", algs="ES256"',
    )
  })

  test('is one that a parser reads back, for every reason', () => {
    for (const reason of Object.keys(reasons) as Reason[]) {
      const text = challenge(refuse(reason), { realm: 'api', scope: 'account' })
      expect(text).toMatch(/^Bearer ([a-z_]+="[\x20\x21\x23-\x5b\x5d-\x7e]*"(, |$))+$/)
      expect(text).toContain(`reason="${reason}"`)
    }
  })
})
