import { isIPv4, isIPv6 } from 'node:net'

/**
 * The form of an address under which attempts are counted. Of IPv6 the first 64 bits: a single customer has all the
 * addresses behind them, and would otherwise never meet a limit. IPv4 inside IPv6 counts as IPv4.
 */
export function addressKey(ip: string): string {
  const address = ip.replace(/%.*$/, '').toLowerCase()
  if (!isIPv6(address)) return isIPv4(address) ? address : 'unknown'
  const groups = groupsOf(address)
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6)
    return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  }
  return `${groups
    .slice(0, 4)
    .map(group => group.toString(16))
    .join(':')}::/64`
}

/**
 * The network that an address is in, for what each address gets for nothing: of IPv6 the first 48 bits, since whole networks
 * of that size are given away, with 65,536 address keys in each. IPv4 as in `addressKey`.
 */
export function networkKey(ip: string): string {
  const key = addressKey(ip)
  return key.endsWith('::/64') ? `${key.split(':').slice(0, 3).join(':')}::/48` : key
}

/** The eight groups of a valid IPv6 address (RFC 4291 §2.2). */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const front = readGroups(head)
  if (tail === undefined) return front
  const back = readGroups(tail)
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
}

function readGroups(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(part => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
