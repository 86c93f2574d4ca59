import { isIP } from 'node:net'

/**
 * The address of the client: the peer's, or, if the peer is a trusted proxy, the last address in `X-Forwarded-For` that is
 * not itself one (RFC 7239 §5.2 in its older form). What an untrusted hop says is ignored.
 */
export function clientAddress(peer: string, forwardedFor: string | undefined, trusted: ReadonlySet<string>): string {
  let address = plain(peer)
  if (forwardedFor === undefined) return address
  const hops = forwardedFor.split(',').map(hop => plain(hop.trim()))
  while (trusted.has(address)) {
    const hop = hops.pop()
    if (hop === undefined || isIP(hop) === 0) return address
    address = hop
  }
  return address
}

/** IPv4 in IPv6 form is IPv4. */
function plain(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

/** True for an issuer that only this machine can reach. */
export function isLocalIssuer(issuer: string): boolean {
  const { hostname } = new URL(issuer)
  return hostname === 'localhost' || isLoopback(hostname.replace(/^\[|\]$/g, ''))
}

/** True for addresses that never leave this machine. */
export function isLoopback(address: string): boolean {
  const bare = plain(address)
  return bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)
}
