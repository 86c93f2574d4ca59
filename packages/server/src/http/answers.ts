import { challenge, errorBody, type Refusal, reasonHeader, reasons } from '@countersign/protocol'
import { type HttpAnswer, noStore } from './message.ts'

/** A JSON answer. Never cached unless `headers` say so. */
export function json(status: number, body: unknown, headers: HttpAnswer['headers'] = noStore): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  }
}

export function html(status: number, body: string, headers: HttpAnswer['headers'] = noStore): HttpAnswer {
  return { status, headers: { 'content-type': 'text/html; charset=utf-8', ...headers }, body }
}

export function noContent(): HttpAnswer {
  return { status: 204, headers: noStore }
}

/** 303: whatever the method was, go there with GET (RFC 9700 §4.12: never 307, which would repeat a password). */
export function seeOther(location: string, headers: HttpAnswer['headers'] = {}): HttpAnswer {
  return { status: 303, headers: { ...noStore, ...headers, location } }
}

/** What the world sees of a refusal: status, body, reason header, challenge, Retry-After. */
export function refusalAnswer(refusal: Refusal, more: HttpAnswer['headers'] = {}): HttpAnswer {
  const { status, error } = reasons[refusal.reason]
  const headers: Record<string, string | readonly string[]> = { ...noStore, [reasonHeader]: refusal.reason, ...more }
  if (error === 'invalid_client') headers['www-authenticate'] = `Basic realm="countersign", ${quoted(refusal)}`
  else if (status === 401 || error === 'insufficient_scope') headers['www-authenticate'] = challenge(refusal)
  if (status === 429 || status === 503) headers['retry-after'] = String(refusal.retryAfterSeconds ?? 1)
  return json(status, errorBody(refusal), headers)
}

function quoted(refusal: Refusal): string {
  const { error, error_description, reason } = errorBody(refusal)
  return `error="${error}", error_description="${error_description}", reason="${reason}"`
}
