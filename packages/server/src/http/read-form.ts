import { type Refusal, refuse } from '@countersign/protocol'
import type { HttpRequest } from './message.ts'

/**
 * Parameters of a form or query: each at most once (RFC 6749 §3.1). Names are looked up, never enumerated. The values of one that may be
 * repeated are joined by a space: they are URIs, which hold none.
 */
export type Parameters = ReadonlyMap<string, string>

const parametersAtMost = 100
/** Of one value, in UTF-16 units: more than any token, assertion or address. Endpoints that keep or pass on what they are given take less. */
const unitsAtMost = 32_768
/** Of what people type, and of what our own pages put beside it. As much as the JSON endpoints take. */
const typedUnitsAtMost = 1024

/** What one can name several of (RFC 8707 §2). */
export const repeatable: ReadonlySet<string> = new Set(['resource'])
/** The same at the token endpoint (RFC 8693 §2.1). */
export const repeatableTargets: ReadonlySet<string> = new Set([...repeatable, 'audience'])
const noneRepeatable: ReadonlySet<string> = new Set()

/** Parses `application/x-www-form-urlencoded` text. Empty values count as absent (RFC 6749 §3.1). */
export function readParameters(
  text: string,
  mayRepeat: ReadonlySet<string> = noneRepeatable,
  valueUnitsAtMost: number = unitsAtMost,
): Parameters | Refusal {
  const parameters = new Map<string, string>()
  if (text === '') return parameters
  const pairs = text.split('&')
  if (pairs.length > parametersAtMost) return refuse('request_malformed', { detail: 'There are too many parameters.' })
  for (const pair of pairs) {
    const cut = pair.indexOf('=')
    const name = decode(cut < 0 ? pair : pair.slice(0, cut))
    const value = decode(cut < 0 ? '' : pair.slice(cut + 1))
    if (name === undefined || value === undefined) return refuse('request_malformed')
    const earlier = parameters.get(name)
    if (earlier !== undefined && !mayRepeat.has(name)) return refuse('parameter_duplicated')
    const all = earlier ? `${earlier} ${value}`.trim() : value
    if (all.length > valueUnitsAtMost) return refuse('request_malformed', { detail: 'A parameter is too long.' })
    parameters.set(name, all)
  }
  for (const [name, value] of parameters) if (value === '') parameters.delete(name)
  return parameters
}

/** Strictly: a broken escape, bytes that are no UTF-8, NUL and lone surrogates are refused, not mended. */
function decode(text: string): string | undefined {
  try {
    const value = /[%+]/.test(text) ? decodeURIComponent(text.replaceAll('+', ' ')) : text
    return value.includes('\0') || !value.isWellFormed() ? undefined : value
  } catch {
    return undefined
  }
}

/** The parameters of a form body. */
export function readForm(request: HttpRequest, mayRepeat?: ReadonlySet<string>): Parameters | Refusal {
  return readBody(request, mayRepeat)
}

/** The parameters of a form that one of our own pages has shown: nothing in it is long. */
export function readPageForm(request: HttpRequest): Parameters | Refusal {
  return readBody(request, noneRepeatable, typedUnitsAtMost)
}

function readBody(
  request: HttpRequest,
  mayRepeat?: ReadonlySet<string>,
  valueUnitsAtMost?: number,
): Parameters | Refusal {
  const type = request.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded')
    return refuse('content_type_unsupported', { detail: 'The body must be application/x-www-form-urlencoded.' })
  return readParameters(request.body, mayRepeat, valueUnitsAtMost)
}
