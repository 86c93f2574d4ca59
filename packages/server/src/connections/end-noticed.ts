import type { Connection, Notice } from '@countersign/connections'
import { combine, hashCode, type Write } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { endUserSessions } from '../sign-in/end-user-sessions.ts'

/** Older ones are not believed; so long a notice is known again. */
const noticeLifeMs = 7 * 86_400_000

/** Ends all sessions of those whom a provider names, and forgets its tokens of them. Once for each notice. */
export async function endNoticed(
  services: Services,
  connection: Connection,
  notice: Notice,
): Promise<Refusal | undefined> {
  const { now } = await services.store.loadIssuer()
  if (Math.abs(now - notice.issuedAt) > noticeLifeMs) return refuse('security_event_invalid')
  for (const subject of new Set(notice.subjects)) {
    const ended = await endOne(services, connection, notice, subject)
    if (isRefusal(ended)) return ended
  }
  return undefined
}

function endOne(services: Services, { name }: Connection, notice: Notice, subject: string): Promise<object | Refusal> {
  const hash = hashCode(JSON.stringify(['notice', name, notice.id, subject]))
  return decideAndCommit(services, async () => {
    if ((await services.store.loadShortLived('usedOnce', hash)) !== undefined) return { result: {} }
    const snapshot = await services.store.loadUserByIdentity(name, subject)
    const { user, identity, now } = snapshot
    if (user === undefined || identity === undefined) return { result: {} }
    const end = await endUserSessions(services, { ...snapshot, user }, 'ended_by_provider')
    const writes: Write[] = [{ table: 'usedOnce', row: { hash, expiresAt: now + noticeLifeMs, version: 0 } }]
    if (identity.sealedTokens !== null) writes.push({ table: 'identity', row: { ...identity, sealedTokens: null } })
    return { result: {}, change: combine(end, { writes, audit: [], entries: [], durable: true, time: now }) }
  })
}
