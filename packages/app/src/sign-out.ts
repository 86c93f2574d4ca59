import { anything, type Holding, hold, live, newId, publish } from './holding.ts'
import { look } from './refresh.ts'
import { revoke } from './revocation.ts'
import { isLive } from './stored-session.ts'

/** Ends the login on this device at once, and at the issuer as soon as it can be reached. */
export async function endLogin(holding: Holding): Promise<void> {
  holding.acts++
  // Already over: only a sign-in that may be under way had to be told.
  if (holding.held && !isLive(holding.held)) return
  holding.inflight = undefined
  holding.unsavedOver = anything
  const { refreshToken: unrevoked, key, login } = live(holding) ?? {}
  hold(holding, { version: newId(holding), ended: 'signed_out', unrevoked, key, login })
  publish(holding)
  await persist(holding)
  await revoke(holding)
}

/** Writes what the user has just done over whatever is there. What cannot be written now, the timer writes later. */
export async function persist(holding: Holding): Promise<void> {
  for (let attempt = 0; attempt < 3 && holding.unsavedOver !== undefined; attempt++) await look(holding)
}
