import type { Client } from '@countersign/core'
import { isRefusal, refuse } from '@countersign/protocol'
import type { ProofRefusal } from '../http/answers.ts'
import type { HttpRequest } from '../http/message.ts'
import type { Services } from '../services.ts'
import type { CheckedProof } from './proof-checker.ts'

/**
 * The proof that a client's request for tokens comes with, as this client has to make it: at all (RFC 9449 §5.2), and with a nonce of ours (§8). Called once
 * the client is known, so that a stranger learns nothing of its settings.
 */
export function checkClientProof(
  { proofs }: Pick<Services, 'proofs'>,
  client: Pick<Client, 'requiresDpop' | 'requiresDpopNonce'>,
  http: HttpRequest,
): CheckedProof | ProofRefusal {
  const proof = proofs.check(http)
  if (isRefusal(proof)) return proof
  if (proof.jkt === undefined && client.requiresDpop)
    return proofs.explain(refuse('proof_required'), { challenges: false })
  if (proof.jkt !== undefined && !proof.hasNonce && client.requiresDpopNonce) {
    return proofs.explain(refuse('proof_nonce_required'), { challenges: false })
  }
  return proof
}
