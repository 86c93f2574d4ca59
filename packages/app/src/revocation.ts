import type { ProofKey } from './dpop.ts'
import { type Holding, removeStored } from './holding.ts'
import { type IssuerAnswer, isAboutProof } from './issuer-answer.ts'
import { askIssuer } from './issuer-request.ts'
import { isLive } from './stored-session.ts'

const revokePause = 60_000

/** True while the issuer has not heard of a sign-out. */
export function isUnrevoked({ held }: Holding): boolean {
  return held !== undefined && 'unrevoked' in held
}

/** Tells the issuer about a sign-out, then forgets the tombstone. Offline: told later, by whoever reads the tombstone. */
export async function revoke(holding: Holding): Promise<void> {
  const tombstone = holding.held
  if (!tombstone || isLive(tombstone)) return
  const { version, ended, unrevoked, key } = tombstone
  holding.revokeAt = holding.platform.clock.monotonic() + revokePause
  try {
    const answer = unrevoked && (await revokeToken(holding, unrevoked, key))
    // Only a word of the issuer's about the login itself ends this: not "unavailable", not "try again", not a proof.
    if (answer && answer.status !== 200 && !(answer.reason && answer.status < 402 && !isAboutProof(answer))) return
    if (holding.held === tombstone) holding.held = { version, ended }
    await removeStored(holding, version)
  } catch {}
}

/** `POST /revoke` (RFC 7009), with the proof that a bound token needs. */
export function revokeToken(holding: Holding, token: string, key: ProofKey | undefined): Promise<IssuerAnswer> {
  const body = new URLSearchParams({ token, client_id: holding.clientId })
  return askIssuer(holding, { path: '/revoke', body, key, outlivesPage: true })
}
