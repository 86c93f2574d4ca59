import { parseRingUrl, type RingServer } from '@countersign/store'

/** Where a key ring is kept in etcd, as `etcd://user:password@host:port,host2/path` says it; `etcds://` by TLS. */
export interface EtcdPlace {
  readonly servers: readonly RingServer[]
  /** The key. */
  readonly path: string
  /** `user:password`. */
  readonly credentials: string | undefined
  readonly isSecure: boolean
}

const defaultPort = 2379
const defaultPath = '/countersign/keys'

/** `undefined` if it is none. */
export function parseEtcdUrl(url: string): EtcdPlace | undefined {
  const [plain, secure] = ['etcd', 'etcds'].map(scheme => parseRingUrl(url, scheme, defaultPort))
  const place = plain ?? secure
  return place && { ...place, path: place.path ?? defaultPath, isSecure: secure !== undefined }
}
