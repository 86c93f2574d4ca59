import { describe, expect, test } from 'vitest'
import { finalRefreshReasons } from './final-refresh-reasons.ts'
import { isReason, type Reason, type ReasonRow, reasons } from './reasons.ts'

const rows = Object.entries(reasons) as [Reason, ReasonRow][]

/** What a status may be called, by RFC 6749 §5.2, RFC 6750 §3.1, RFC 7591 §3.2.2, RFC 8628 §3.5, RFC 8707 §2, RFC 9101 §6.3, RFC 9449 §5, RFC 9470 §3, OpenID Connect Core §3.1.2.6, or by the contract. */
const errorsByStatus: Record<number, readonly string[]> = {
  400: [
    'invalid_request',
    'invalid_grant',
    'invalid_scope',
    'invalid_target',
    'unauthorized_client',
    'unsupported_grant_type',
    'unsupported_response_type',
    'invalid_redirect_uri',
    'invalid_request_uri',
    'invalid_client_metadata',
    'invalid_dpop_proof',
    'use_dpop_nonce',
    'authorization_pending',
    'slow_down',
    'expired_token',
    'access_denied',
    'request_not_supported',
    'request_uri_not_supported',
  ],
  401: [
    'invalid_client',
    'invalid_token',
    'insufficient_user_authentication',
    'login_failed',
    'login_required',
    'consent_required',
    'unmet_authentication_requirements',
  ],
  403: ['access_denied', 'insufficient_scope', 'signup_closed'],
  404: ['not_found'],
  405: ['invalid_request'],
  409: [
    'email_taken',
    'account_exists',
    'identity_taken',
    'last_way_in',
    'external_id_taken',
    'client_taken',
    'client_declared',
  ],
  413: ['invalid_request'],
  415: ['invalid_request'],
  429: ['too_many_attempts'],
  431: ['invalid_request'],
  503: ['temporarily_unavailable'],
}

describe('every reason', () => {
  test.each(rows)('%s has an error that fits its status', (_reason, { status, error }) => {
    expect(errorsByStatus[status]).toContain(error)
  })

  test.each(rows)(
    '%s is a stable word with one sentence that fits a header, and a source',
    (reason, { text, source }) => {
      expect(reason).toMatch(/^[a-z]+(_[a-z]+)*$/)
      // RFC 6750 §3: no quotes, no backslash, nothing outside printable ASCII.
      expect(text).toMatch(/^[A-Z][\x20\x21\x23-\x5b\x5d-\x7e]+\.$/)
      expect(source).not.toBe('')
    },
  )

  test('is told from every other by its text', () => {
    expect(new Set(rows.map(([, row]) => row.text)).size).toBe(rows.length)
  })
})

test('a fault is never invalid_grant: the client must not throw its refresh token away', () => {
  const faults = rows.filter(([, { status }]) => status === 429 || status === 503)
  expect(faults.length).toBeGreaterThan(3)
  for (const [, { error }] of faults) expect(error).not.toMatch(/^invalid/)
})

test('an app signs out for good after reasons of the token endpoint only, each of them invalid_grant', () => {
  for (const reason of finalRefreshReasons) expect([reason, reasons[reason].error]).toEqual([reason, 'invalid_grant'])
  const others = rows.filter(([reason, row]) => row.error === 'invalid_grant' && !finalRefreshReasons.has(reason))
  expect(others.map(([reason]) => reason)).toEqual(['code_invalid', 'code_reused', 'device_code_invalid'])
})

test('words from elsewhere are no reasons, inherited names least of all', () => {
  expect(isReason('token_revoked')).toBe(true)
  for (const word of ['', 'Token_Revoked', '__proto__', 'constructor', 'toString']) expect(isReason(word)).toBe(false)
})
