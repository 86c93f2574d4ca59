import { challenge, errorBody, type Refusal, reasonHeader, reasons } from '@countersign/protocol'
import { proofAlgorithms } from '../dpop/proof-algorithms.ts'
import { type HttpAnswer, noStore } from './message.ts'

/** A JSON answer. Never cached unless `headers` say so. */
export function json(status: number, body: unknown, headers: HttpAnswer['headers'] = noStore): HttpAnswer {
  return { status, headers: { 'content-type': jsonType, ...headers }, body: JSON.stringify(body) }
}

const jsonType = 'application/json; charset=utf-8'

/** For a JSON text that was made before. */
export const jsonHeaders: HttpAnswer['headers'] = { 'content-type': jsonType, ...noStore }

export function noContent(): HttpAnswer {
  return { status: 204, headers: noStore }
}

/** 303: whatever the method was, go there with GET (RFC 9700 §4.12: never 307, which would repeat a password). */
export function seeOther(location: string, headers: HttpAnswer['headers'] = {}): HttpAnswer {
  return { status: 303, headers: { ...noStore, ...headers, location } }
}

/**
 * A refusal that has to do with a DPoP proof. It comes with a nonce and the time, so that a client with a wrong clock can do
 * better at once (RFC 9449 §8).
 */
export interface ProofRefusal extends Refusal {
  readonly dpop: {
    readonly nonce: string
    readonly serverTimeSeconds: number
    /** True where an access token was presented: 401 and a challenge (RFC 9449 §7.1, §9), not 400. */
    readonly challenges: boolean
  }
}

/**
 * A client that tried HTTP authentication is answered in its scheme (RFC 6749 §5.2). Others get no challenge: by Basic a browser would ask the user for a password in a
 * window of its own, and of any other scheme client libraries believe that the answer is about it (openid-client does).
 */
export interface ClientRefusal extends Refusal {
  readonly usedBasic: boolean
}

/** The refusal where a token would have done too (RFC 6750 §3): whoever has shown nothing by Basic is asked for one. */
export function orByToken(refusal: Refusal | ClientRefusal): Refusal | ClientRefusal {
  if (!('usedBasic' in refusal) || refusal.usedBasic) return refusal
  const { usedBasic: _, ...plain } = refusal
  return plain
}

/** What the world sees of a refusal: status, body (`moreOfBody` besides), reason header, challenge, Retry-After. */
export function refusalAnswer(
  refusal: Refusal | ProofRefusal | ClientRefusal,
  more: HttpAnswer['headers'] = {},
  moreOfBody: Readonly<Record<string, unknown>> = {},
): HttpAnswer {
  const row = reasons[refusal.reason]
  const dpop = 'dpop' in refusal ? refusal.dpop : undefined
  const status = dpop?.challenges && row.status === 400 ? 401 : row.status
  const headers: Record<string, string | readonly string[]> = { ...noStore, [reasonHeader]: refusal.reason, ...more }
  if ('usedBasic' in refusal) {
    if (refusal.usedBasic) headers['www-authenticate'] = `Basic realm="countersign", ${quoted(refusal)}`
  } else if (dpop?.challenges)
    headers['www-authenticate'] = challenge(refusal, { scheme: 'DPoP', algs: proofAlgorithms.join(' ') })
  else if (status === 401 || status === 403) headers['www-authenticate'] = challenge(refusal)
  if (status === 429 || status === 503) headers['retry-after'] = String(refusal.retryAfterSeconds ?? 1)
  const body = { ...errorBody(refusal), ...moreOfBody }
  if (dpop === undefined) return json(status, body, headers)
  headers['dpop-nonce'] = dpop.nonce
  return json(status, { ...body, server_time: dpop.serverTimeSeconds }, headers)
}

function quoted(refusal: Refusal): string {
  const { error, error_description, reason } = errorBody(refusal)
  return `error="${error}", error_description="${error_description}", reason="${reason}"`
}
