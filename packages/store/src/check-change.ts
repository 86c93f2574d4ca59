import { type Change, emailKey, isId, isShortLivedWrite, type ShortLivedWrite, type Write } from '@countersign/core'

/**
 * What no engine can store is a mistake of the caller and throws, in every engine alike: an id that `makeId` could not
 * have made, an address that is none, one row written twice. (`'conflict'` would make the caller try for ever.)
 */
export function checkChange({ writes }: Change): void {
  const [first] = writes
  if (first !== undefined) rowKey(first)
  if (writes.length < 2) return
  const keys = new Set(writes.map(rowKey))
  if (keys.size < writes.length) throw new TypeError('a change writes one row twice')
}

/** Names the row of a write among all rows. */
export function rowKey(write: Write): string {
  if (isShortLivedWrite(write)) return checkShortLived(write)
  switch (write.table) {
    case 'issuer':
    case 'keyRing':
      return write.table
    case 'client':
      return `client ${write.row.id}`
    case 'identity':
      return `identity ${checkId(write.row.userId)} ${JSON.stringify([write.row.connection, write.row.subject])}`
    case 'grant':
      return `grant ${checkId(write.row.userId)} ${write.row.clientId}`
    case 'user':
      storedEmailKey(write.row.email)
      return `user ${checkId(write.row.id)}`
    case 'session':
      checkId(write.row.userId)
      return `session ${checkId(write.row.id)}`
    case 'family':
      checkId(write.row.sessionId)
      if (write.endsOnly && write.row.endedAt === null) throw new TypeError('the end of a family must have its time')
      return `family ${checkId(write.row.id)}`
  }
}

/** A code names a session; the others name only what their decisions look up. */
function checkShortLived({ table, row }: ShortLivedWrite): string {
  if (table === 'code') checkId(row.sessionId)
  return `${table} ${row.hash}`
}

function checkId(id: string): string {
  if (!isId(id)) throw new TypeError('an id must be 16 bytes in base64url')
  return id
}

/** The key by which a user's address is unique; null for a user without one. */
export function storedEmailKey(email: string | null): string | null {
  if (email === null) return null
  const key = emailKey(email)
  if (key === null) throw new TypeError('an e-mail address that is none cannot be stored')
  return key
}
