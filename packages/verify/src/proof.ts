import { hash } from 'node:crypto'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { VerifiedClaims } from './claims.ts'
import { type Moment, proofMemory } from './proof-memory.ts'
import { createProofReader } from './proof-reader.ts'
import type { Runtime } from './runtime.ts'

/** How a token came with its request, as far as the binding to a key goes. */
export interface Presented {
  /** The scheme of the `Authorization` header; a token from a cookie counts as Bearer. */
  readonly scheme: 'Bearer' | 'DPoP'
  /** The `DPoP` header, if the request has exactly one. */
  readonly proof?: string
  readonly method: string
  /** The URL that the client called, as the outside sees it. Without it no proof can be judged. */
  readonly url?: string
}

export type JudgeBinding = (
  token: string,
  claims: VerifiedClaims,
  presented: Presented | undefined,
) => Refusal | undefined

const futureToleranceSeconds = 10
const proofIdsAtMost = 500_000

/**
 * Judges whether a token may be used by whoever presents it (RFC 9449 §7). A token with `cnf` needs a DPoP proof by the
 * key that it names; every other kind of confirmation is refused, since it was not checked.
 */
export function bindingJudge(clock: Runtime['clock'], proofMaxAgeSeconds: number): JudgeBinding {
  const memory = proofMemory((proofMaxAgeSeconds + futureToleranceSeconds) * 1000, proofIdsAtMost)
  const readProof = createProofReader()

  function judgeProof(token: string, thumbprint: string, presented: Presented): Refusal | undefined {
    const { method, url } = presented
    if (url === undefined) {
      return refuse('token_bound', {
        detail: 'This API does not know its own address: set baseUrl or trustProxy in protect().',
      })
    }
    const proof = readProof(presented.proof, { method, url })
    if (isRefusal(proof)) return proof
    if (proof.accessTokenHash !== hash('sha256', token, 'base64url')) {
      return refuse('proof_invalid', { detail: 'The claim ath of the DPoP proof does not fit the token.' })
    }
    const ageSeconds = clock.wallMilliseconds() / 1000 - proof.issuedAtSeconds
    if (ageSeconds > proofMaxAgeSeconds || ageSeconds < -futureToleranceSeconds) {
      return refuse('proof_invalid', { detail: 'The DPoP proof is too old, or from the future.' })
    }
    if (proof.thumbprint !== thumbprint) return refuse('token_binding_mismatch')
    switch (memory.use(proof.id, momentOf(clock))) {
      case 'used':
        return refuse('proof_replayed')
      case 'full':
        return refuse('unavailable', { retryAfterSeconds: 5 })
      case 'fresh':
        return undefined
    }
  }

  return (token, claims, presented) => {
    if (claims.cnf === undefined) {
      return presented?.scheme === 'DPoP' ? refuse('token_binding_mismatch') : undefined
    }
    const { jkt, ...others } = claims.cnf
    if (typeof jkt !== 'string' || Object.keys(others).length > 0) return refuse('token_bound')
    if (presented?.scheme !== 'DPoP') return refuse('token_bound')
    if (presented.proof === undefined) return refuse('proof_required')
    return judgeProof(token, jkt, presented)
  }
}

function momentOf(clock: Runtime['clock']): Moment {
  return { wallMilliseconds: clock.wallMilliseconds(), monotonicMilliseconds: clock.monotonicMilliseconds() }
}
