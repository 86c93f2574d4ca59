import { openEtcdRegister, parseEtcdUrl } from '@countersign/ring-etcd'
import { openZookeeperRegister, parseZookeeperUrl } from '@countersign/ring-zookeeper'
import type { RingRegister } from '@countersign/store'

/** How a place outside the store that the address names is opened; `undefined`: it names none. The only place that knows which there are. */
function openerOf(url: string): (() => RingRegister) | undefined {
  const [zookeeper, etcd] = [parseZookeeperUrl(url), parseEtcdUrl(url)]
  if (zookeeper !== undefined) return () => openZookeeperRegister(zookeeper)
  return etcd && (() => openEtcdRegister(etcd))
}

export function isKeyRingUrl(url: string): boolean {
  return openerOf(url) !== undefined
}

/** The place outside the store that the configuration names for the key ring; `undefined`: there is none. */
export function openKeyRing({ key_ring: url }: { readonly key_ring?: string | undefined }): RingRegister | undefined {
  return url === undefined ? undefined : openerOf(url)?.()
}
