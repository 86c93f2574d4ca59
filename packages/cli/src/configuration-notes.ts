import { isLoopback, rightsOfBackEnds, type WrittenClient } from '@countersign/server'
import { distance, WrongConfiguration } from './configuration-problems.ts'

/*
 * What is allowed and probably not meant. It is said at the start; what would let anybody in is refused where others than this machine's user come.
 */

const ownScopes = ['account', 'openid', 'profile', 'email', 'address', 'phone', 'offline_access', 'revocations']

/** Sentences for whoever starts the server. Throws `WrongConfiguration` for a placeholder of the examples under a public issuer. */
export function notesOf(clients: readonly WrittenClient[], issuer: string | undefined): readonly string[] {
  return [...notesOfPlaceholders(clients, issuer), ...clients.flatMap(notesOfScopes)]
}

function notesOfPlaceholders(clients: readonly WrittenClient[], issuer: string | undefined): readonly string[] {
  const ids = clients
    .filter(({ secrets }) => secrets?.some(secret => secret.toLowerCase().startsWith('replace-this')))
    .map(({ id }) => id)
  if (ids.length === 0) return []
  if (issuer === undefined || isLocal(issuer))
    return [`secrets of ${ids.join(', ')} are placeholders: for this machine alone`]
  const lines = ids.map(id => `  clients.${id}.secrets: holds a placeholder of the examples, which everybody knows.`)
  const remedy = `A good secret: node -p "crypto.randomBytes(32).toString('base64url')"`
  throw new WrongConfiguration(`The configuration is not valid:\n${lines.join('\n')}\n${remedy}`)
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

function isLocal(issuer: string): boolean {
  const { hostname } = new URL(issuer)
  return hostname === 'localhost' || isLoopback(hostname.replace(/^\[|\]$/g, ''))
}
