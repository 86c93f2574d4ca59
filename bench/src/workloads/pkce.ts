import { hash } from 'node:crypto'

const verifier = 'a-verifier-of-forty-three-characters-or-more-0123'

/** One for all codes that are made beforehand (RFC 7636): what it costs to check does not depend on it. */
export const pkce: { readonly verifier: string; readonly challenge: string } = {
  verifier,
  challenge: hash('sha256', verifier, 'base64url'),
}
