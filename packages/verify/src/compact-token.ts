/** A JWS in compact form (RFC 7515 §3.1), taken apart but not believed. */
export interface CompactToken {
  /** Not looked at yet: whoever decodes it finds out whether it is base64url. */
  readonly headerText: string
  readonly payload: Buffer
  readonly signature: Buffer
  /** The whole token. */
  readonly bytes: Buffer
  /** What the signature is over. */
  readonly signedBytes: Buffer
}

/**
 * Takes a token apart; undefined unless it is three parts, none empty, payload and signature clean base64url, within the
 * size. The length is looked at first, and dots are searched, not split on: a million of them cost nothing
 * (CVE-2025-30204).
 */
export function splitCompact(token: unknown, longest: number): CompactToken | undefined {
  if (typeof token !== 'string' || token.length > longest) return undefined
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second <= first + 1 || second === token.length - 1) return undefined
  const payload = decodeBase64url(token.slice(first + 1, second))
  const signature = decodeBase64url(token.slice(second + 1))
  if (payload === undefined || signature === undefined) return undefined
  const bytes = Buffer.from(token, 'latin1')
  return { headerText: token.slice(0, first), payload, signature, bytes, signedBytes: bytes.subarray(0, second) }
}

/**
 * Decodes base64url; undefined if the text is not exactly what encoding the result gives. One comparison refuses
 * padding, white space, foreign letters and stray bits in the last one, all of which `Buffer` would let pass.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
