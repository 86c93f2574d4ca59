import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Refusal, refuse } from '@countersign/protocol'
import type { Notice } from './connection.ts'
import { type Claims, within } from './preset.ts'

const invalid = (detail: string): Refusal => refuse('security_event_invalid', { detail })

/**
 * Facebook's deauthorize callback: a form with `signed_request`, under the app's secret.
 * https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow#deauth-callback
 */
export function readSignedRequest(body: string, secret: string): Notice | Refusal {
  const [signature = '', payload = '', ...rest] = (new URLSearchParams(body).get('signed_request') ?? '').split('.')
  const expected = createHmac('sha256', secret).update(payload).digest()
  const presented = Buffer.from(signature, 'base64url')
  if (rest.length > 0 || presented.length !== expected.length || !timingSafeEqual(presented, expected)) {
    return invalid('The signed request is not signed with our secret.')
  }
  const told = parse(Buffer.from(payload, 'base64url').toString('utf8'))
  const { algorithm, user_id, issued_at } = told
  if (algorithm !== 'HMAC-SHA256' || typeof user_id !== 'string' || typeof issued_at !== 'number') {
    return invalid('The signed request is not one of a deauthorization.')
  }
  return { id: payload, issuedAt: issued_at * 1000, subjects: [user_id] }
}

/** What ends somebody's sessions here, of what Google can say (https://developers.google.com/identity/protocols/risc). */
const ending = new Set([
  'sessions-revoked',
  'tokens-revoked',
  'account-disabled',
  'account-purged',
  'account-credential-change-required',
])

/** A security event token (RFC 8417), as its claims: those whom it names by issuer and subject. Others (a verification, an account enabled again) end nothing. */
export function noticeOfRisc(claims: Claims): Notice | Refusal {
  const subjects = Object.entries(within(claims, 'events')).flatMap(([type, event]) => {
    const { iss, sub } = within(event as Claims, 'subject')
    const isOurs = iss === claims.iss && typeof sub === 'string'
    return isOurs && ending.has(type.split('/').at(-1) ?? '') ? [sub] : []
  })
  return noticeOf(claims, subjects)
}

/** Apple's server-to-server notification: https://developer.apple.com/documentation/signinwithapple/processing-changes-for-sign-in-with-apple-accounts */
export function noticeOfApple(claims: Claims): Notice | Refusal {
  const { type, sub } = parse(String(claims.events))
  const ends = type === 'consent-revoked' || type === 'account-delete' || type === 'account-deleted'
  return noticeOf(claims, ends && typeof sub === 'string' ? [sub] : [])
}

/** The JWT in Apple's JSON. */
export function payloadOf(body: string): string {
  const { payload } = parse(body)
  return typeof payload === 'string' ? payload : ''
}

function noticeOf({ jti, iat }: Claims, subjects: readonly string[]): Notice | Refusal {
  if (typeof jti !== 'string' || typeof iat !== 'number') return invalid('The security event has no id or no time.')
  return { id: jti, issuedAt: iat * 1000, subjects }
}

function parse(text: string): Claims {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Claims) : {}
  } catch {
    return {}
  }
}
