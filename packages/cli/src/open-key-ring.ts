import { openEtcdRegister, parseEtcdUrl } from '@countersign/ring-etcd'
import { openZookeeperRegister, parseZookeeperUrl } from '@countersign/ring-zookeeper'
import type { Log } from '@countersign/server'
import type { RingRegister } from '@countersign/store'
import { parseValkeyRingUrl } from '@countersign/store-valkey/ring-url'

/** How a place outside the store that the address names is opened; `undefined`: it names none. The only place that knows which there are. */
function openerOf(url: string): ((log?: Log) => RingRegister | Promise<RingRegister>) | undefined {
  const [zookeeper, etcd, valkey] = [parseZookeeperUrl(url), parseEtcdUrl(url), parseValkeyRingUrl(url)]
  if (zookeeper !== undefined) return () => openZookeeperRegister(zookeeper)
  if (etcd !== undefined) return () => openEtcdRegister(etcd)
  if (valkey === undefined) return undefined
  return async log => {
    // Its driver is loaded only where it is wanted.
    const { openValkeyRegister } = await import('@countersign/store-valkey')
    const deaf =
      'The Valkey of the key ring does not let this user subscribe: what other nodes do with it is seen every ten seconds'
    return openValkeyRegister({ ...valkey, onDeaf: () => log?.warn({}, deaf) })
  }
}

export function isKeyRingUrl(url: string): boolean {
  return openerOf(url) !== undefined
}

/** The place outside the store that the configuration names for the key ring; `undefined`: there is none. */
export async function openKeyRing(
  { key_ring: url }: { readonly key_ring?: string | undefined },
  log?: Log,
): Promise<RingRegister | undefined> {
  return url === undefined ? undefined : openerOf(url)?.(log)
}
