import type { Client } from '../clients/client.ts'

/** The longest life of an access token that reaches an API, in seconds, by the API's audience. An API that is not named has no say. */
export type ApiLifetimes = ReadonlyMap<string, number>

/**
 * Seconds that an access token lives: what its client gets, or less if an API that it reaches wants it so. An API never lengthens it, so
 * that the longest life of all is that of some client.
 */
export function accessTokenLife(client: Client, audiences: readonly string[], apis: ApiLifetimes): number {
  let life = client.lifetimes.accessTokenSeconds
  for (const audience of audiences) life = Math.min(life, apis.get(audience) ?? life)
  return life
}
