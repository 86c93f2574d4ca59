import type { Runtime } from './runtime.ts'

/** The outside world broke. The message names what was asked, never a credential. */
export class OutboundFault extends Error {
  override readonly name = 'OutboundFault'
}

export interface JsonAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

export interface Limits {
  readonly milliseconds: number
  readonly bytes: number
}

/**
 * Fetches JSON within a time and a size. Redirects are refused: an issuer's address is pinned. Throws `OutboundFault`.
 */
export async function fetchJson(
  runtime: Pick<Runtime, 'fetch' | 'timers'>,
  url: string,
  init: RequestInit,
  limits: Limits,
): Promise<JsonAnswer> {
  const controller = new AbortController()
  const timer = runtime.timers.set(() => controller.abort(), limits.milliseconds)
  try {
    const response = await runtime.fetch(url, { ...init, redirect: 'error', signal: controller.signal })
    const text = await readText(response, limits.bytes)
    return { status: response.status, headers: response.headers, body: parseJson(text) }
  } catch (fault) {
    if (fault instanceof OutboundFault) throw fault
    throw new OutboundFault(`${url} did not answer${controller.signal.aborted ? ' in time' : causeOf(fault)}`)
  } finally {
    runtime.timers.clear(timer)
    // After an error the rest of the body is of no interest; after success this does nothing.
    controller.abort()
  }
}

/** What Node calls it, e.g. ` (ECONNREFUSED)`: a word of the system, so nothing of ours is in it. */
export function causeOf(fault: unknown): string {
  const { code } = ((fault as { cause?: unknown } | undefined)?.cause ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^[A-Z0-9_]{2,60}$/.test(code) ? ` (${code})` : ''
}

async function readText(response: Response, bytesAtMost: number): Promise<string> {
  if (response.body === null) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > bytesAtMost) throw new OutboundFault(`${response.url} sent more than ${bytesAtMost} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `Authorization: Basic` with id and secret form-encoded first (RFC 6749 §2.3.1). */
export function basicAuthorization(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`, 'latin1').toString('base64')}`
}

function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** True if a secret may travel there: TLS, or this machine. */
export function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  if (protocol === 'https:') return true
  return protocol === 'http:' && isLoopback(hostname)
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
