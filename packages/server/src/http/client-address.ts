import { isIPv6, SocketAddress } from 'node:net'

/** One spelling of each address, as Node says it of a peer; no address stays what it is. */
export function canonicalAddress(address: string): string {
  return isIPv6(address) ? plainAddress(new SocketAddress({ address, family: 'ipv6' }).address) : address
}

/** IPv4 in IPv6 form is IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

/** True for an issuer that only this machine can reach. */
export function isLocalIssuer(issuer: string): boolean {
  const { hostname } = new URL(issuer)
  return hostname === 'localhost' || isLoopback(hostname.replace(/^\[|\]$/g, ''))
}

/** True for addresses that never leave this machine. */
export function isLoopback(address: string): boolean {
  const bare = plainAddress(address)
  return bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)
}
