import type { Log } from '../log.ts'

const namedAtMost = 100

/**
 * Tells the operator which pages the browser keeps away from the answers: the page itself learns no reason, and its developer looks here.
 * A line for each origin, and for a hundred of them at most: anybody can send any.
 */
export function createRefusedOrigins(log: Log): (origin: string) => void {
  const named = new Set<string>()
  return origin => {
    if (named.size >= namedAtMost || named.has(origin) || URL.parse(origin)?.origin !== origin) return
    named.add(origin)
    log.warn({ origin }, `a page of ${origin} was refused: no client has a redirect URI there`)
  }
}
