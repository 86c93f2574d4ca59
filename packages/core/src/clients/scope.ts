import type { Client } from './client.ts'

/** Splits a `scope` (RFC 6749 §3.3) into its words without repetition; `undefined` if it is malformed. */
export function parseScope(text: string): readonly string[] | undefined {
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(text)) return undefined
  return [...new Set(text.split(' '))]
}

/**
 * The scope that a client gets: what it asked for, or its default. `undefined` if it asked for more than `allowed`:
 * nothing is cut silently.
 */
export function grantScope(
  requested: string | undefined,
  allowed: readonly string[],
  byDefault: readonly string[],
): string | undefined {
  if (requested === undefined || requested === '') return byDefault.join(' ')
  const words = parseScope(requested)
  return words?.every(word => allowed.includes(word)) ? words.join(' ') : undefined
}

/**
 * The scope of an authorization request: what the client may have of what it asks for, or its default. Words that are unknown here are left out (OpenID Connect Core
 * §3.1.2.1, RFC 6749 §3.3); the token answer says what is left. `undefined` if that is nothing, or if the scope is malformed.
 */
export function knownScope(
  requested: string | undefined,
  allowed: readonly string[],
  byDefault: readonly string[],
): string | undefined {
  if (requested === undefined) return byDefault.join(' ')
  const known = parseScope(requested)?.filter(word => allowed.includes(word))
  return known === undefined || known.length === 0 ? undefined : known.join(' ')
}

/** The scope of a refreshed access token: the family's, or less (RFC 6749 §6). The family keeps its own. */
export function narrowScope(requested: string | undefined, granted: string): string | undefined {
  const all = granted === '' ? [] : granted.split(' ')
  return grantScope(requested, all, all)
}

/**
 * What was granted, as far as the client may still have it: its settings can have become narrower since, and what was promised for later (a code, an approved
 * device, a refresh token) gives no more than they say now.
 */
export function stillAllowed(
  { scope, audiences }: { readonly scope: string; readonly audiences: readonly string[] },
  client: Pick<Client, 'scopes' | 'audiences'>,
): { readonly scope: string; readonly audiences: readonly string[] } {
  const words = scope.split(' ').filter(word => client.scopes.includes(word))
  return { scope: words.join(' '), audiences: audiences.filter(audience => client.audiences.includes(audience)) }
}
