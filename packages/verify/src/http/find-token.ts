import { type Refusal, refuse } from '@countersign/protocol'
import type { RequestView } from './request-view.ts'

/** A token as it stood in a request. */
export interface FoundToken {
  readonly token: string
  readonly scheme: 'Bearer' | 'DPoP'
  readonly from: 'header' | 'cookie'
}

const authorizationForm = /^(bearer|dpop)(?: +(.*))?$/is
/** RFC 6750 §2.1: b64token. */
const tokenForm = /^[A-Za-z0-9\-._~+/]+=*$/
const secondCredentials = /,\s*(?:bearer|dpop)\s/i

/**
 * Finds the one token of a request: in `Authorization` (RFC 6750 §2.1, RFC 9449 §7.1), or in a cookie if one is named.
 * Refuses `token_ambiguous` if there are two, `token_malformed` if it is none, and `token_missing` if there is nothing.
 * A token in the URL is never taken: it ends up in logs and histories (RFC 9700 §4.3.2).
 */
export function findToken(view: RequestView, cookieName: string | undefined): FoundToken | Refusal {
  const inHeader = findInHeader(view.header('authorization'))
  const inCookie = cookieName === undefined ? undefined : findInCookie(view.header('cookie'), cookieName)
  if (isRefusal(inHeader)) return inHeader
  if (isRefusal(inCookie)) return inCookie
  const inUrl = hasTokenInQuery(view.target)
  if (inHeader !== undefined) {
    const other = inCookie !== undefined && inCookie.token !== inHeader.token
    return other || inUrl ? refuse('token_ambiguous') : inHeader
  }
  if (inUrl) {
    return inCookie === undefined
      ? refuse('token_missing', { detail: 'A token in the URL is not accepted.' })
      : refuse('token_ambiguous')
  }
  return inCookie ?? refuse('token_missing')
}

function findInHeader(values: readonly string[]): FoundToken | Refusal | undefined {
  if (values.length > 1) return refuse('token_ambiguous')
  const parts = authorizationForm.exec(values[0]?.trim() ?? '')
  if (parts === null) return undefined
  const token = (parts[2] ?? '').trim()
  if (secondCredentials.test(token)) return refuse('token_ambiguous')
  if (!tokenForm.test(token)) return refuse('token_malformed')
  return { token, scheme: parts[1]?.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', from: 'header' }
}

/** Two cookies of one name: another site below the same domain may have planted the second. */
function findInCookie(values: readonly string[], name: string): FoundToken | Refusal | undefined {
  const found: string[] = []
  for (const pair of values.join(';').split(';')) {
    const equals = pair.indexOf('=')
    if (equals > 0 && pair.slice(0, equals).trim() === name) found.push(pair.slice(equals + 1).trim())
  }
  if (found.length > 1) return refuse('token_ambiguous')
  const token = found[0]
  if (token === undefined || token === '') return undefined
  return tokenForm.test(token) ? { token, scheme: 'Bearer', from: 'cookie' } : refuse('token_malformed')
}

function hasTokenInQuery(target: string): boolean {
  const query = target.indexOf('?')
  return query >= 0 && new URLSearchParams(target.slice(query + 1)).has('access_token')
}

function isRefusal(value: FoundToken | Refusal | undefined): value is Refusal {
  return value !== undefined && 'refused' in value
}
