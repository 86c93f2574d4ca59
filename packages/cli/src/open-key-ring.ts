import { openZookeeperRegister, parseZookeeperUrl } from '@countersign/ring-zookeeper'
import type { RingRegister } from '@countersign/store'
import type { Configuration } from './configuration.ts'

/** The place outside the store that the configuration names for the key ring; `undefined`: there is none. */
export function openKeyRing({ key_ring: url }: Configuration): RingRegister | undefined {
  const place = url === undefined ? undefined : parseZookeeperUrl(url)
  return place === undefined ? undefined : openZookeeperRegister(place)
}
