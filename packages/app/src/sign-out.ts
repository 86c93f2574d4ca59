import {
  anything,
  type Holding,
  hold,
  live,
  newId,
  nothing,
  publish,
  readStorage,
  removeStored,
  writeStorage,
} from './holding.ts'
import type { IssuerAnswer } from './issuer-request.ts'
import { isLive } from './stored-session.ts'

const revokePause = 60_000

/** Ends the login on this device at once, and at the issuer as soon as it can be reached. */
export async function endLogin(holding: Holding): Promise<void> {
  holding.acts++
  // Already over: only a sign-in that may be under way had to be told.
  if (holding.held && !isLive(holding.held)) return
  holding.inflight = undefined
  holding.unsavedOver = anything
  hold(holding, { version: newId(holding), ended: 'signed_out', unrevoked: live(holding)?.refreshToken })
  publish(holding)
  await persist(holding)
  await revoke(holding)
}

/** Writes what the user has just done over whatever is there. What cannot be written now, the timer writes later. */
export async function persist(holding: Holding): Promise<void> {
  const version = holding.held?.version
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      const stored = await readStorage(holding)
      const { held } = holding
      if (!held || held.version !== version || holding.unsavedOver !== anything) return
      // Another tab may have gone further: what it holds ends with this.
      const next = isLive(held) || !isLive(stored) ? held : { ...held, unrevoked: stored.refreshToken }
      if (!(await writeStorage(holding, stored?.version ?? nothing, next))) continue
      if (holding.held?.version === version) {
        if (holding.held === held) holding.held = next
        holding.unsavedOver = undefined
      }
      return
    }
  } catch {}
}

/** True while the issuer has not heard of a sign-out. */
export function isUnrevoked({ held }: Holding): boolean {
  return held !== undefined && 'unrevoked' in held
}

/** Tells the issuer about a sign-out, then forgets the tombstone. Offline: told later, by whoever reads the tombstone. */
export async function revoke(holding: Holding): Promise<void> {
  const tombstone = holding.held
  if (!tombstone || isLive(tombstone)) return
  const { version, ended, unrevoked } = tombstone
  holding.revokeAt = holding.platform.clock.monotonic() + revokePause
  try {
    const answer = unrevoked && (await revokeToken(holding, unrevoked))
    if (answer && answer.status !== 200 && !answer.reason) return
    if (holding.held === tombstone) holding.held = { version, ended }
    await removeStored(holding, version)
  } catch {}
}

/** `POST /revoke` (RFC 7009). */
export function revokeToken({ send, issuer, clientId, skew }: Holding, token: string): Promise<IssuerAnswer> {
  const form = { token, token_type_hint: 'refresh_token', client_id: clientId }
  return send({ url: `${issuer}/revoke`, body: new URLSearchParams(form), skew, outlivesPage: true })
}
