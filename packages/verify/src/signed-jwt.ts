import { decodeBase64url, splitCompact } from './compact-token.ts'
import { checkWith, type PublicKeyAlgorithm, publicKeyAlgorithms, publicKeyOfJwk } from './signature.ts'
import { parseStrictObject } from './strict-json.ts'

type Members = Readonly<Record<string, unknown>>

/** A signed JWT of somebody else (RFC 7519), taken apart. Nothing in it is to be believed before `isSignedBy` has said yes. */
export interface SignedJwt {
  readonly header: Members
  readonly claims: Members
  /**
   * True if one of these keys (JWKs, RFC 7517) has signed it, with an algorithm that is both the key's own and among `algorithms`. A `kid` narrows the
   * choice, it never widens it.
   */
  isSignedBy(keys: readonly Members[], algorithms?: readonly PublicKeyAlgorithm[]): boolean
}

const longestJwt = 8 * 1024
/** Of keys that all could be meant. Each costs a check, and whoever sends the token has not shown yet who they are. */
const triedKeysAtMost = 8

/** Undefined for what is no JWT signed with a public key: MACs, `none`, `crit`, a payload that is no object, more than 8 KiB. */
export function readSignedJwt(text: unknown): SignedJwt | undefined {
  const parts = splitCompact(text, longestJwt)
  const headerBytes = parts && decodeBase64url(parts.headerText)
  const header = headerBytes && parseStrictObject(headerBytes)
  const claims = parts && parseStrictObject(parts.payload)
  if (parts === undefined || header === undefined || claims === undefined) return undefined
  const algorithm = publicKeyAlgorithms.find(one => one === header.alg)
  if (algorithm === undefined || 'crit' in header || 'b64' in header) return undefined
  const { kid } = header
  if (kid !== undefined && typeof kid !== 'string') return undefined
  return {
    header,
    claims,
    isSignedBy(keys, algorithms = publicKeyAlgorithms) {
      if (!algorithms.includes(algorithm)) return false
      const meant = keys.filter(jwk => kid === undefined || jwk.kid === undefined || jwk.kid === kid)
      return meant
        .flatMap(jwk => publicKeyOfJwk(jwk, [algorithm]) ?? [])
        .slice(0, triedKeysAtMost)
        .some(({ key }) => checkWith(key, algorithm)(parts.signedBytes, parts.signature))
    },
  }
}
