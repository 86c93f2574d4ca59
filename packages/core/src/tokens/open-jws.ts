import type { KeyObject } from 'node:crypto'
import { parseStrictObject } from '@countersign/protocol'
import { type JwsAlgorithm, verifyJws } from './jws.ts'

/** A key under which a token of ours may be signed. */
export interface PublishedKey {
  readonly kid: string
  readonly alg: JwsAlgorithm
  readonly key: KeyObject
}

/** A JWS of our own, its signature checked and nothing else. */
export interface OpenedJws {
  readonly kid: string
  readonly typ: unknown
  readonly payload: Record<string, unknown>
}

const charactersAtMost = 8_192

/**
 * Opens a compact JWS under a published key, whose algorithm is the key's and not the header's to choose (RFC 8725 §3.1). `undefined` for anything else,
 * without saying what was wrong.
 */
export function openJws(token: string, keys: (kid: string) => PublishedKey | undefined): OpenedJws | undefined {
  const parts = token.length <= charactersAtMost ? token.split('.') : []
  const [headerText, payloadText, signatureText] = parts
  if (parts.length !== 3 || !headerText || !payloadText || !signatureText) return undefined
  const header = readJson(headerText)
  if (header === undefined || 'crit' in header) return undefined
  const key = typeof header.kid === 'string' ? keys(header.kid) : undefined
  if (key === undefined || header.alg !== key.alg) return undefined
  const signature = Buffer.from(signatureText, 'base64url')
  if (signature.toString('base64url') !== signatureText) return undefined
  if (!verifyJws(key.alg, key.key, `${headerText}.${payloadText}`, signature)) return undefined
  const payload = readJson(payloadText)
  return payload && { kid: key.kid, typ: header.typ, payload }
}

function readJson(segment: string): Record<string, unknown> | undefined {
  const bytes = Buffer.from(segment, 'base64url')
  return bytes.toString('base64url') === segment ? parseStrictObject(bytes.toString('utf8')) : undefined
}
