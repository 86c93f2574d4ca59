import { lastUsedAt } from '@countersign/core'
import type { SessionWithFamilies } from '@countersign/store'

const listedAtMost = 200

/** What is told of a user's sessions: those that were used last, in the order in which they are given, and the caller's own among them. */
export function lastUsed(sessions: readonly SessionWithFamilies[], currentId?: string): readonly SessionWithFamilies[] {
  if (sessions.length <= listedAtMost) return sessions
  const isOwn = ({ session }: SessionWithFamilies): number => (session.id === currentId ? 1 : 0)
  const lastFirst = sessions.toSorted((a, b) => isOwn(b) - isOwn(a) || lastUsedAt(b) - lastUsedAt(a))
  const listed = new Set(lastFirst.slice(0, listedAtMost))
  return sessions.filter(one => listed.has(one))
}

/** A session as the API tells it; times RFC 3339. */
export function sessionView({ session, families }: SessionWithFamilies, currentId?: string): Record<string, unknown> {
  return {
    id: session.id,
    client_id: session.clientId ?? families[0]?.clientId ?? null,
    current: session.id === currentId,
    device: session.device.label,
    ip: session.device.ip,
    created_at: new Date(session.createdAt).toISOString(),
    last_seen_at: new Date(lastUsedAt({ session, families })).toISOString(),
  }
}
