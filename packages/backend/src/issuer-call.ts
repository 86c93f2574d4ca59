import { isReason, type Refusal, reasons, refuse } from '@countersign/protocol'
import { CallFailure } from './call-failure.ts'
import type { Platform } from './platform.ts'

/** What the issuer said: the JSON of a success (`undefined` if there is none), or a refusal. */
export type IssuerAnswer = { readonly body: unknown } | Refusal

/**
 * Sends a request to the issuer. A 4xx with a reason of the table comes back as a refusal; everything else that is no
 * success is thrown as `CallFailure`. Redirects are not followed: credentials go to the configured address only.
 *
 * @param send does the request, with a limit of its own or none
 */
export async function askIssuer(what: string, send: () => Promise<Response>): Promise<IssuerAnswer> {
  let response: Response
  let text: string
  try {
    response = await send()
    text = await response.text()
  } catch (error) {
    if (error instanceof CallFailure) throw error
    // The message of a network error may quote headers: only its code is passed on.
    throw new CallFailure(`${what}: no answer (${codeOf(error)})`)
  }
  const { status } = response
  const body = parseJson(text)
  const retryAfterSeconds = readRetryAfter(response.headers.get('Retry-After'))
  // Also a 200 without a body, as of a revocation (RFC 7009 §2.2).
  if (status === 204 || (status === 200 && text === '')) return { body: undefined }
  if (status >= 200 && status < 300 && body !== undefined) return { body }
  const refusal = status >= 400 && status < 500 ? readRefusal(body, retryAfterSeconds) : undefined
  if (refusal !== undefined) return refusal
  throw new CallFailure(`${what}: unexpected answer (status ${status})`, { status, retryAfterSeconds })
}

function codeOf(error: unknown): string {
  const { name, code, cause } = error as { name?: string; code?: unknown; cause?: { code?: unknown } }
  const found = cause?.code ?? code
  return typeof found === 'string' ? found : (name ?? 'unknown')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readRefusal(body: unknown, retryAfterSeconds: number | undefined): Refusal | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { reason, error_description: description } = body as { reason?: unknown; error_description?: unknown }
  if (typeof reason !== 'string' || !isReason(reason)) return undefined
  return refuse(reason, {
    ...(typeof description === 'string' && description !== reasons[reason].text && { detail: description }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  })
}

/** Seconds. The form with a date is not read: it would compare the server's clock with ours. */
function readRetryAfter(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) : undefined
}

/** `Authorization: Basic` with id and secret form-encoded first (RFC 6749 §2.3.1). */
export function basicAuthorization(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`, 'latin1').toString('base64')}`
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** Throws for an option that is no text, or an empty one: mostly a variable that nobody has set. */
export function requireText(name: string, value: unknown, variable: string): void {
  if (value === '') throw new TypeError(`${name} is empty (is ${variable} set?)`)
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`)
}

/** Throws for an address over which a secret must not travel: plain HTTP off loopback. */
export function requireSecure(name: string, address: string, allowPlainHttp: boolean): void {
  if (!URL.canParse(address) || !/^https?:/.test(address)) throw new TypeError(`${name} must be an http or https URL`)
  const { protocol, hostname } = new URL(address)
  if (protocol === 'https:') return
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
  if (protocol === 'http:' && (isLoopback || allowPlainHttp)) return
  throw new TypeError(`${name}: https is required off loopback (or allowPlainHttp within a private network)`)
}

/** Limits of a request to the issuer, from the moment of sending to the last byte of the answer. */
export function limited(platform: Platform, init: RequestInit, milliseconds: number): RequestInit {
  return { ...init, redirect: 'error', signal: platform.deadline(milliseconds) }
}
