import { isIP } from 'node:net'
import type { Log } from '../log.ts'
import { canonicalAddress, plainAddress } from './client-address.ts'

/** The proxies in front of this server, whose word counts. */
export interface TrustedProxies {
  has(peer: string): boolean
  /**
   * The address of the client: the peer's, or, if the peer is a trusted proxy, the last address in `X-Forwarded-For` that is
   * not itself one (RFC 7239 §5.2 in its older form). What an untrusted hop says is ignored.
   */
  clientAddress(peer: string, forwardedFor: string | undefined): string
}

/** A proxy whose header cannot be read is told of once: everybody behind it counts as one, and shares the limits of one. */
export function createTrustedProxies(addresses: readonly string[], log: Log): TrustedProxies {
  const trusted = new Set(addresses.map(canonicalAddress))
  const told = new Set<string>()

  function tell(proxy: string): void {
    if (told.has(proxy)) return
    told.add(proxy)
    log.warn({ proxy }, `X-Forwarded-For of the trusted proxy ${proxy} holds no address: all behind it count as one`)
  }

  return {
    has: peer => trusted.has(plainAddress(peer)),
    clientAddress(peer, forwardedFor) {
      let address = plainAddress(peer)
      const hops = forwardedFor?.split(',') ?? []
      while (trusted.has(address)) {
        const hop = hops.pop()
        if (hop === undefined) return address
        const next = addressOfHop(hop.trim())
        if (next === undefined) {
          tell(address)
          return address
        }
        address = next
      }
      return address
    },
  }
}

/** Alone, or with the port as some proxies write it: `203.0.113.7:51234`, `[2001:db8::1]:443`. */
function addressOfHop(hop: string): string | undefined {
  const [, withPort, inBrackets] = /^(?:([\d.]+):\d{1,5}|\[([\da-f:.]+)\](?::\d{1,5})?)$/i.exec(hop) ?? []
  const address = canonicalAddress(withPort ?? inBrackets ?? hop)
  return isIP(address) === 0 ? undefined : address
}
