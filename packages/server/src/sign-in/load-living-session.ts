import { type SessionSnapshot, sessionIsOver } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { Services } from '../services.ts'

/**
 * The session that is to outlive all others. Loaded and judged anew: since the request was authorised it may have been ended,
 * and stamping it with the new epoch would bring it back.
 */
export async function loadLivingSession(
  { store }: Pick<Services, 'store'>,
  sessionId: string,
): Promise<SessionSnapshot | Refusal> {
  const snapshot = await store.loadSession(sessionId)
  if (snapshot === undefined || sessionIsOver(snapshot.session, snapshot) !== undefined) return refuse('session_ended')
  return snapshot
}
