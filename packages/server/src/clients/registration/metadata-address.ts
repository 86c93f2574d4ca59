import { mayBeCalled } from '../../outbound/address-rules.ts'

const longest = 2_000

/**
 * True for a `client_id` that is the address of a client id metadata document (draft-ietf-oauth-client-id-metadata-document §3): `https:`, with a path, without fragment,
 * user information and dot segments; in its one canonical spelling, since clients are compared to the letter.
 */
export function isMetadataAddress(clientId: string, allowsLoopback: boolean): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(clientId) || clientId.length > longest) return false
  const url = URL.parse(clientId)
  return url !== null && url.href === clientId && url.pathname !== '/' && mayBeCalled(clientId, allowsLoopback)
}
