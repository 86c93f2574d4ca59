import { type AccessTokenClaims, accessTokenPrefix, canonicalJson } from '@countersign/protocol'
import type { RandomBytes } from '../ids.ts'
import { type MacKey, seal, unseal } from '../keys/master-key.ts'
import { countersign, countersignRandomBytes } from './countersign.ts'

/*
 * An access token that only this server can read: `cs_at_` and the sealed claims (AES-256-GCM under a key that is derived from the master key). Nothing is stored
 * for it: revocation works by what stands in it, as with a JWT.
 */

/** What makes and opens them. */
export interface OpaqueTokenKeys {
  /** 32 bytes, derived from the master key. */
  readonly sealingKey: MacKey
  readonly countersignKey: MacKey
  readonly random: RandomBytes
}

const label = 'access token 1'
const longestToken = 8_192

/** The same claims as a JWT would have, `jti` included: the feed names it alike. */
export function mintOpaqueToken(keys: OpaqueTokenKeys, claims: Omit<AccessTokenClaims, 'jti'>): string {
  const text = canonicalJson(claims)
  const jti = countersign(keys.countersignKey, text, keys.random(countersignRandomBytes))
  return accessTokenPrefix + seal(keys.sealingKey, label, `{"jti":"${jti}",${text.slice(1)}`, keys.random)
}

/** The claims of a token that we made, every letter of it; `undefined` for anything else. Whether it still stands is judged by the caller. */
export function openOpaqueToken(sealingKey: MacKey, token: string): AccessTokenClaims | undefined {
  if (token.length > longestToken || !token.startsWith(accessTokenPrefix)) return undefined
  const text = token.slice(accessTokenPrefix.length)
  // One token has one spelling: `Buffer` would read past padding, foreign letters and stray bits.
  if (Buffer.from(text, 'base64url').toString('base64url') !== text) return undefined
  const opened = unseal(sealingKey, label, text)
  return opened && (JSON.parse(opened.toString('utf8')) as AccessTokenClaims)
}
