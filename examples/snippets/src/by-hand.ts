import { isRefusal } from '@countersign/protocol'
import { createVerifier } from '@countersign/verify'

const verifier = createVerifier({ issuer: process.env.ISSUER ?? '', audience: 'urn:notes' })

/** For a WebSocket, a queue, a job: whatever is not an HTTP request. */
export async function ownerOf(token: string): Promise<string> {
  const verification = await verifier.verify(token, { scope: 'notes:read' })
  if (isRefusal(verification)) throw new Error(`refused: ${verification.reason}`)
  return verification.claims.sub
}
