import { BlockList, isIP, isIPv4 } from 'node:net'

/*
 * Whom this server may call when a stranger has named the address: hosts of the public internet. Not itself, not its neighbours, not the metadata service of
 * its cloud, in whatever spelling (RFC 6890; attack 29).
 */

const notPublic = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  notPublic.addSubnet(network, bits, 'ipv4')
}
// Documentation, Teredo and the like, 6to4: the last two carry an IPv4 address that nobody has looked at.
for (const [network, bits] of [
  ['2001:db8::', 32],
  ['2001::', 23],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  notPublic.addSubnet(network, bits, 'ipv6')
}

/** The only part of IPv6 that is given out for the internet: what lies elsewhere is local, mapped, translated or nothing. */
const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')

const ownMachine = new BlockList()
ownMachine.addSubnet('127.0.0.0', 8, 'ipv4')
ownMachine.addAddress('::1', 'ipv6')

/** True for an address of the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !notPublic.check(address, 'ipv4')
  return isIP(address) === 6 && globalUnicast.check(address, 'ipv6') && !notPublic.check(address, 'ipv6')
}

/** True for an address of this machine, as such: not for one that is mapped into IPv6. */
export function isOwnAddress(address: string): boolean {
  if (isIPv4(address)) return ownMachine.check(address, 'ipv4')
  // BlockList takes ::ffff:127.0.0.1 for 127.0.0.1; nobody needs that spelling.
  return isIP(address) === 6 && !address.includes('.') && !/ffff/i.test(address) && ownMachine.check(address, 'ipv6')
}

/**
 * True for an address that could be called: `https:` and, as far as its spelling tells, public; on a server that is on loopback itself also this machine by plain HTTP.
 * What a name leads to is judged when it is called.
 */
export function mayBeCalled(address: string, allowsLoopback: boolean): boolean {
  const url = URL.parse(address)
  if (url === null || url.username !== '' || url.password !== '' || address.includes('#')) return false
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isOwn = host === 'localhost' || host.endsWith('.localhost') || isOwnAddress(host)
  if (isOwn) return allowsLoopback && (url.protocol === 'https:' || url.protocol === 'http:')
  return url.protocol === 'https:' && (isIP(host) === 0 || isPublicAddress(host))
}
