/** A JWS in compact form (RFC 7515 §3.1), taken apart but not believed. */
export interface CompactToken {
  readonly headerText: string
  readonly payload: Buffer
  readonly signature: Buffer
  /** What the signature is over. */
  readonly signedBytes: Buffer
}

/**
 * Takes a token apart; undefined unless it is three clean base64url parts, none empty, within the size.
 * The length is looked at first, and dots are searched, not split on: a million of them cost nothing (CVE-2025-30204).
 */
export function splitCompact(token: unknown, longest: number): CompactToken | undefined {
  if (typeof token !== 'string' || token.length > longest) return undefined
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second <= first + 1 || second === token.length - 1) return undefined
  const headerText = token.slice(0, first)
  const payload = decodeBase64url(token.slice(first + 1, second))
  const signature = decodeBase64url(token.slice(second + 1))
  if (payload === undefined || signature === undefined || !isBase64urlText(headerText)) return undefined
  return { headerText, payload, signature, signedBytes: Buffer.from(token.slice(0, second), 'latin1') }
}

const base64urlText = /^[A-Za-z0-9_-]+$/

function isBase64urlText(text: string): boolean {
  return base64urlText.test(text)
}

/**
 * Decodes base64url; undefined if the text is not exactly what encoding the result gives. One comparison refuses
 * padding, white space, foreign letters and stray bits in the last one, all of which `Buffer` would let pass.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
