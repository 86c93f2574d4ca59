import { hash } from 'node:crypto'
import { canonicalJson, type Refusal, refuse } from '@countersign/protocol'
import { decodeBase64url, splitCompact } from './compact-token.ts'
import { checkWith, publicKeyAlgorithms, publicKeyOfJwk, type SignatureCheck } from './signature.ts'
import { parseStrictObject } from './strict-json.ts'

/** A DPoP proof whose signature is right and that was made for this method and URL. Its age is not judged yet. */
export interface ReadProof {
  /** Thumbprint (RFC 7638) of the key that made it. */
  readonly thumbprint: string
  /** Names the proof, for remembering it: short, whatever the client chose as `jti`. */
  readonly id: string
  /** Seconds since 1970, by the client's clock. */
  readonly issuedAtSeconds: number
  readonly nonce: string | undefined
  /** Hash of the access token that it comes with. */
  readonly accessTokenHash: string | undefined
}

export type ReadProofOf = (
  proof: string | undefined,
  request: { readonly method: string; readonly url: string },
) => ReadProof | Refusal

interface ProofHeader {
  readonly thumbprint: string
  readonly check: SignatureCheck
}

const longestProof = 8 * 1024
const longestProofId = 256
/** With its key a header takes 3 KiB, most of them OpenSSL's. */
const headersAtMost = 2_000

/**
 * Reads DPoP proofs (RFC 9449 §4.3). The header of a client's proofs is the same every time, and with its key it takes a third of
 * the time that checking a signature takes, so headers whose proofs were right are remembered for a while.
 */
export function createProofReader(): ReadProofOf {
  const headers = recentHeaders(headersAtMost / 2)
  return (proof, request) => {
    const parts = splitCompact(proof, longestProof)
    const header = parts && (headers.get(parts.headerText) ?? readProofHeader(parts.headerText))
    if (parts === undefined || header === undefined) return refuse('proof_invalid')
    if (!header.check(parts.signedBytes, parts.signature)) return refuse('proof_invalid')
    headers.keep(parts.headerText, header)
    return readProofClaims(parseStrictObject(parts.payload), header.thumbprint, request)
  }
}

/** Two generations: what is used is in the young one, and when that is full, it takes the place of the old one. */
function recentHeaders(headersPerGeneration: number): {
  get(text: string): ProofHeader | undefined
  keep(text: string, header: ProofHeader): void
} {
  let young = new Map<string, ProofHeader>()
  let old = new Map<string, ProofHeader>()
  return {
    get: text => young.get(text) ?? old.get(text),
    keep(text, header) {
      if (young.has(text)) return
      if (young.size >= headersPerGeneration) {
        old = young
        young = new Map()
      }
      young.set(text, header)
    },
  }
}

/** RFC 9449 §4.3, points 4 to 8. */
function readProofHeader(text: string): ProofHeader | undefined {
  const bytes = decodeBase64url(text)
  const header = bytes === undefined ? undefined : parseStrictObject(bytes)
  if (header === undefined || header.typ !== 'dpop+jwt' || 'crit' in header || 'b64' in header) return undefined
  const jwk = header.jwk
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return undefined
  const members = jwk as Readonly<Record<string, unknown>>
  if ('d' in members || 'k' in members || 'p' in members) return undefined
  const algorithm = publicKeyAlgorithms.find(allowed => allowed === header.alg)
  const key = algorithm === undefined ? undefined : publicKeyOfJwk(members, [algorithm])
  if (key === undefined) return undefined
  return { thumbprint: thumbprintOf(members), check: checkWith(key.key, key.algorithm) }
}

/** RFC 7638: the required members only, in canonical form. */
function thumbprintOf({ kty, crv, x, y, n, e }: Readonly<Record<string, unknown>>): string {
  const required = kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }
  return hash('sha256', canonicalJson(required), 'base64url')
}

/** RFC 9449 §4.3, points 9 and 10, and the form of the rest. */
function readProofClaims(
  claims: Readonly<Record<string, unknown>> | undefined,
  thumbprint: string,
  request: { readonly method: string; readonly url: string },
): ReadProof | Refusal {
  const wrong = (name: string): Refusal =>
    refuse('proof_invalid', { detail: `The claim ${name} of the DPoP proof is missing or does not fit the request.` })
  if (claims === undefined) return wrong('set')
  const { htm, htu, iat, ath, jti, nonce } = claims
  if (typeof jti !== 'string' || jti === '' || jti.length > longestProofId) return wrong('jti')
  if (htm !== request.method) return wrong('htm')
  if (typeof htu !== 'string' || !isSameTarget(htu, request.url)) return wrong('htu')
  if (typeof iat !== 'number' || !Number.isFinite(iat)) return wrong('iat')
  if (nonce !== undefined && typeof nonce !== 'string') return wrong('nonce')
  if (ath !== undefined && typeof ath !== 'string') return wrong('ath')
  return {
    thumbprint,
    // 96 bits as twelve letters: so short a piece is a string of its own. A longer one would keep the whole hash, a million times.
    id: hash('sha256', `${thumbprint} ${jti}`, 'binary').slice(0, 12),
    issuedAtSeconds: iat,
    nonce,
    accessTokenHash: ath,
  }
}

/** Scheme, host, port and path, normalised; query and fragment do not count (RFC 9449 §4.3). */
function isSameTarget(claimed: string, called: string): boolean {
  if (claimed === called) return true
  if (!URL.canParse(claimed) || !URL.canParse(called)) return false
  const a = new URL(claimed)
  const b = new URL(called)
  return (
    a.origin !== 'null' && a.origin === b.origin && a.pathname === b.pathname && a.username === '' && a.password === ''
  )
}
