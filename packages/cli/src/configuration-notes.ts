import { rightsOfBackEnds, type WrittenClient } from '@countersign/server'
import { holdsPlaceholder } from './configuration-contradictions.ts'
import { distance } from './configuration-problems.ts'

/*
 * What is allowed and probably not meant. It is said at the start; what would let anybody in
 * is refused where others than this machine's user come (configuration-contradictions.ts).
 */

const ownScopes = ['account', 'openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'revocations']

/** Sentences for whoever starts the server. */
export function notesOf(clients: readonly WrittenClient[]): readonly string[] {
  const ids = clients.filter(holdsPlaceholder).map(({ id }) => id)
  const placeholders = ids.length === 0 ? [] : [`secrets of ${ids.join(', ')} are placeholders: for this machine alone`]
  return [...placeholders, ...clients.flatMap(notesOfScopes)]
}

/** Scopes of APIs are free words, so that a misspelt one of the server's is a right that is missing in silence. */
function notesOfScopes({ id, scopes = [] }: WrittenClient): readonly string[] {
  const own = [...ownScopes, ...rightsOfBackEnds]
  return scopes.flatMap(scope => {
    if (own.includes(scope)) return []
    const meant = own.find(one => one.length > 6 && distance(scope, one) <= 2)
    return meant === undefined ? [] : [`clients.${id}.scopes: "${scope}" is none of the server's own; ${meant} is`]
  })
}
