import type { Reason } from '@countersign/protocol'
import { decodeBase64url } from './compact-token.ts'
import type { Algorithm } from './signature.ts'
import { parseStrictObject } from './strict-json.ts'

/** What a header may say here: which key, and which algorithm that key must be for. */
export interface TokenHeader {
  readonly algorithm: Algorithm
  readonly kid: string | undefined
}

export interface HeaderRules {
  /** Allowed `typ`, by exact case; `null` allows a header without it. */
  readonly types: readonly (string | null)[]
  readonly algorithms: readonly Algorithm[]
}

const longestKid = 256

/**
 * Reads the header of a token (RFC 7515 §4). `jwk`, `jku`, `x5u` and `x5c` are never looked at: keys come from the
 * issuer only. `crit` is refused whatever it lists, since no extension is understood (RFC 7515 §4.1.11), and so are
 * `b64` and `zip`.
 */
export function readHeader(headerText: string, rules: HeaderRules): TokenHeader | Reason {
  const bytes = decodeBase64url(headerText)
  const header = bytes === undefined ? undefined : parseStrictObject(bytes)
  if (header === undefined) return 'token_malformed'
  if ('crit' in header || 'b64' in header || 'zip' in header || 'enc' in header) return 'token_malformed'
  const algorithm = rules.algorithms.find(allowed => allowed === header.alg)
  if (algorithm === undefined) return 'algorithm_not_allowed'
  if (!rules.types.some(allowed => (allowed === null ? header.typ === undefined : allowed === header.typ))) {
    return 'token_type_unexpected'
  }
  const { kid } = header
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > longestKid)) return 'token_malformed'
  return { algorithm, kid }
}
