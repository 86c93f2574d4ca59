import { type Refusal, refuse } from '@countersign/protocol'
import type { Change } from '../change.ts'
import type { Instant } from '../ids.ts'
import type { ConnectionSignIn } from './connection-sign-in.ts'

/**
 * Judges the return of a browser: begun with this connection (mix-up, RFC 9700 §4.4), not used, in time. The change uses it up, before anything is asked of the provider: of
 * fifty who come with one state, one goes on.
 */
export function useConnectionSignIn(
  row: ConnectionSignIn,
  { connection, now }: { connection: string; now: Instant },
): Change | Refusal {
  if (row.connection !== connection || row.usedAt !== null || now >= row.expiresAt) {
    return refuse('connection_state_invalid')
  }
  const writes = [{ table: 'connectionSignIn' as const, row: { ...row, usedAt: now } }]
  return { writes, audit: [], entries: [], durable: false, time: now }
}
