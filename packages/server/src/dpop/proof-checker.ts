import { createHmac, timingSafeEqual } from 'node:crypto'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { createProofReader, proofMemory } from '@countersign/verify'
import type { HttpRequest } from '../http/message.ts'

/** Judges DPoP proofs at this server's own endpoints. */
export interface ProofChecker {
  /** The thumbprint of the proof's key; `undefined` if the request has no proof; a refusal if the proof is no good. */
  check(request: HttpRequest): { jkt: string | undefined } | Refusal
  /** A fresh nonce, for the `DPoP-Nonce` header of a refusal (RFC 9449 §8). */
  nonce(): string
}

export interface ProofCheckerOptions {
  readonly issuer: string
  /** Nonces are made under it, so that any node of one system believes those of another. */
  readonly nonceKey: Buffer
  readonly clock: () => number
}

const acceptedSeconds = 60
const futureToleranceSeconds = 10
const nonceLifeSeconds = 300
const proofIdsAtMost = 500_000

/**
 * A proof is believed if its age fits this node's clock, or if it carries a nonce of ours (then the client's clock does not
 * matter). Used proofs are remembered by this node for their life; what was made before the node started, and might
 * have been used then, must come with a nonce.
 */
export function createProofChecker({ issuer, nonceKey, clock }: ProofCheckerOptions): ProofChecker {
  const startedAtSeconds = clock() / 1000
  const memory = proofMemory((nonceLifeSeconds + acceptedSeconds) * 1000, proofIdsAtMost)
  const readProof = createProofReader()

  function isFresh(issuedAtSeconds: number, nonce: string | undefined, nowSeconds: number): boolean {
    if (nonce !== undefined) return nonceIsOurs(nonceKey, nonce, nowSeconds, startedAtSeconds)
    const ageSeconds = nowSeconds - issuedAtSeconds
    return (
      ageSeconds <= acceptedSeconds &&
      ageSeconds >= -futureToleranceSeconds &&
      issuedAtSeconds > Math.floor(startedAtSeconds)
    )
  }

  return {
    nonce: () => makeNonce(nonceKey, Math.floor(clock() / 1000)),
    check(request) {
      const header = request.header('dpop')
      if (header === undefined) return { jkt: undefined }
      const proof = readProof(header, { method: request.method, url: issuer + request.path })
      if (isRefusal(proof)) return proof
      const now = clock()
      if (!isFresh(proof.issuedAtSeconds, proof.nonce, now / 1000)) return refuse('proof_nonce_required')
      const use = memory.use(proof.id, now)
      if (use === 'full') return refuse('unavailable', { retryAfterSeconds: 5 })
      return use === 'used' ? refuse('proof_replayed') : { jkt: proof.thumbprint }
    },
  }
}

function makeNonce(key: Buffer, seconds: number): string {
  const time = Buffer.alloc(6)
  time.writeUIntBE(seconds, 0, 6)
  return Buffer.concat([time, nonceMac(key, time)]).toString('base64url')
}

function nonceIsOurs(key: Buffer, nonce: string, nowSeconds: number, startedAtSeconds: number): boolean {
  const bytes = Buffer.from(nonce, 'base64url')
  if (bytes.length !== 22) return false
  const time = bytes.subarray(0, 6)
  if (!timingSafeEqual(nonceMac(key, time), bytes.subarray(6))) return false
  const madeAt = time.readUIntBE(0, 6)
  return madeAt >= Math.floor(startedAtSeconds) && nowSeconds - madeAt <= nonceLifeSeconds
}

function nonceMac(key: Buffer, time: Buffer): Buffer {
  return createHmac('sha256', key).update(time).digest().subarray(0, 16)
}
