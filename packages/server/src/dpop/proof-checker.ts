import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { MacKey } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { createProofReader, proofMemory } from '@countersign/verify'
import type { ProofRefusal } from '../http/answers.ts'
import type { HttpRequest } from '../http/message.ts'

/** A proof that is right for its request, or (without `jkt`) that there was none. */
export interface CheckedProof {
  readonly refused?: never
  /** The thumbprint of the proof's key. */
  readonly jkt: string | undefined
  /** It carries a nonce of ours, and so was made for this server, and not long ago. */
  readonly hasNonce: boolean
  /**
   * Uses the proof up: refuses if another request has brought it before. To be called once it is known that the request is somebody's
   * who holds a credential of ours: whoever holds none must not be able to fill the memory. A request that is decided anew after a conflict has used up its own already.
   */
  spend(): Promise<ProofRefusal | undefined>
}

/**
 * Remembers among all nodes that a proof was used, for as long as it could be used. False: another node has used it. True as well where that cannot be known just now:
 * then each node is left with what it remembers itself.
 */
export type UseProofOnce = (proofId: string, lifeMs: number) => Promise<boolean>

/** Judges DPoP proofs at this server's own endpoints. */
export interface ProofChecker {
  /** The request's proof. `accessToken`: the token that it comes with, and must name in `ath` (RFC 9449 §4.3). */
  check(request: HttpRequest, accessToken?: string): CheckedProof | ProofRefusal
  /** Adds to a refusal what the client needs to do better: the time, and a fresh nonce. */
  explain(refusal: Refusal, where: { challenges: boolean }): ProofRefusal
}

export interface ProofCheckerOptions {
  readonly issuer: string
  /** Nonces are made under it, so that any node of one system believes those of another. */
  readonly nonceKey: MacKey
  readonly clock: () => number
  /** Absent: used proofs are known to this node alone. */
  readonly useOnce?: UseProofOnce
  /** Milliseconds by a clock that nobody sets. */
  readonly monotonic?: () => number
}

const acceptedSeconds = 60
const futureToleranceSeconds = 10
const nonceLifeSeconds = 300
const proofIdsAtMost = 1_000_000
const noProof: CheckedProof = { jkt: undefined, hasNonce: false, spend: async () => undefined }

/**
 * A proof is believed if its age fits this node's clock, or if it carries a nonce of ours (then the client's clock does not
 * matter). Used proofs are remembered by this node for their life, and by all of them where they share a memory; what was made before the node started, and might
 * have been used then, must come with a nonce.
 */
export function createProofChecker(options: ProofCheckerOptions): ProofChecker {
  const { issuer, nonceKey, clock, useOnce, monotonic = () => performance.now() } = options
  let startedAt = clock()
  // A proof with a nonce lives as long as the nonce, one without only as long as its age is accepted; either may come from a clock that is ahead.
  const [withNonceMs, withoutNonceMs] = [nonceLifeSeconds, acceptedSeconds].map(
    seconds => (seconds + futureToleranceSeconds + 1) * 1000,
  ) as [number, number]
  const withNonce = proofMemory(withNonceMs, proofIdsAtMost)
  const withoutNonce = proofMemory(withoutNonceMs, proofIdsAtMost)
  const readProof = createProofReader()

  function isFresh(issuedAtSeconds: number, nonce: string | undefined, nowSeconds: number): boolean {
    // A clock that was set back behind the start: else no proof would be believed until it has caught up.
    startedAt = Math.min(startedAt, nowSeconds * 1000)
    if (nonce !== undefined) return nonceIsOurs(nonceKey, nonce, nowSeconds * 1000, startedAt)
    const ageSeconds = nowSeconds - issuedAtSeconds
    return (
      ageSeconds <= acceptedSeconds &&
      ageSeconds >= -futureToleranceSeconds &&
      issuedAtSeconds > Math.floor(startedAt / 1000)
    )
  }

  const explain: ProofChecker['explain'] = (refusal, { challenges }) => {
    const seconds = Math.floor(clock() / 1000)
    return { ...refusal, dpop: { nonce: makeNonce(nonceKey, clock()), serverTimeSeconds: seconds, challenges } }
  }

  return {
    explain,
    check(request, accessToken) {
      const header = request.header('dpop')
      if (header === undefined) return noProof
      const no = (refusal: Refusal): ProofRefusal => explain(refusal, { challenges: accessToken !== undefined })
      const proof = readProof(header, { method: request.method, url: issuer + request.path })
      if (isRefusal(proof)) return no(proof)
      if (accessToken !== undefined && proof.accessTokenHash !== hash('sha256', accessToken, 'base64url')) {
        return no(refuse('proof_invalid', { detail: 'The claim ath of the DPoP proof does not fit the token.' }))
      }
      if (!isFresh(proof.issuedAtSeconds, proof.nonce, clock() / 1000)) return no(refuse('proof_nonce_required'))
      const [memory, lifeMs] = proof.nonce === undefined ? [withoutNonce, withoutNonceMs] : [withNonce, withNonceMs]
      let isSpent = false
      return {
        jkt: proof.thumbprint,
        hasNonce: proof.nonce !== undefined,
        async spend() {
          if (isSpent) return undefined
          const use = memory.use(proof.id, { wallMilliseconds: clock(), monotonicMilliseconds: monotonic() })
          if (use === 'full') return no(refuse('unavailable', { retryAfterSeconds: 5 }))
          if (use === 'used') return no(refuse('proof_replayed'))
          isSpent = useOnce === undefined || (await useOnce(proof.id, lifeMs))
          return isSpent ? undefined : no(refuse('proof_replayed'))
        },
      }
    },
  }
}

/** The time in milliseconds: what was made before this node started, in the same second even, may have been used then. */
function makeNonce(key: MacKey, now: number): string {
  const time = Buffer.alloc(6)
  time.writeUIntBE(now, 0, 6)
  return Buffer.concat([time, nonceMac(key, time)]).toString('base64url')
}

function nonceIsOurs(key: MacKey, nonce: string, now: number, startedAt: number): boolean {
  const bytes = Buffer.from(nonce, 'base64url')
  if (bytes.length !== 22) return false
  const time = bytes.subarray(0, 6)
  if (!timingSafeEqual(nonceMac(key, time), bytes.subarray(6))) return false
  const madeAt = time.readUIntBE(0, 6)
  const ageMs = now - madeAt
  // One from the future, of a node whose clock is ahead, would be good for longer than proofs are remembered.
  return madeAt >= startedAt && ageMs <= nonceLifeSeconds * 1000 && ageMs >= -futureToleranceSeconds * 1000
}

function nonceMac(key: MacKey, time: Buffer): Buffer {
  return createHmac('sha256', key).update(time).digest().subarray(0, 16)
}
