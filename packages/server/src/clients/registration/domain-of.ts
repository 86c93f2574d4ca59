import { isIP } from 'node:net'
import { addressKey } from '../../passwords/address-key.ts'

/**
 * Under which of its parts a host is counted, so that whoever has one name does not have as many shares as he can make up names below it: the last two labels; three where the last two
 * look like a registry of a country (`co.uk`, `com.au`). A guess, without a list of public suffixes: tenants of one host (`a.pages.dev`, `b.pages.dev`) share, and a
 * registry that does not look like one (`kawasaki.jp`) is one domain. So this is for shares alone, and never for what a client may do. An IPv6 address counts by its network.
 */
export function domainOf(hostname: string): string {
  const bare = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (isIP(bare) !== 0) return addressKey(bare)
  const labels = bare.split('.')
  const [second = '', top = ''] = labels.slice(-2)
  const looksLikeRegistry = top.length === 2 && second.length <= 3
  return labels.slice(looksLikeRegistry ? -3 : -2).join('.')
}
