import { isRefusal } from '@countersign/protocol'
import { createVerifier } from '@countersign/verify'

const { ISSUER = '', OLD_ISSUER = '' } = process.env

const ours = createVerifier({ issuer: ISSUER, audience: 'urn:notes' })
// Of another make: `types: ['JWT']` perhaps, and `jwksUri` if its metadata do not say where the keys are.
const old = createVerifier({ issuer: OLD_ISSUER, audience: 'urn:notes' })

/** Whose a token is, of whichever of the two. */
export async function ownerOf(token: string): Promise<{ issuer: string; sub: string }> {
  // Each believes the keys of its own issuer alone: who names the other one gains nothing.
  const verifier = issuerNamedBy(token) === OLD_ISSUER ? old : ours
  const verification = await verifier.verify(token, { scope: 'notes:read' })
  if (isRefusal(verification)) throw new Error(`refused: ${verification.reason}`)
  return { issuer: verifier.issuer, sub: verification.claims.sub }
}

/** Not to be believed yet. */
function issuerNamedBy(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).iss
  } catch {
    return undefined
  }
}

export function close(): void {
  for (const verifier of [ours, old]) verifier.close()
}
