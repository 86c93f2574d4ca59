import { parseRegisterUrl, type RegisterServer } from '@countersign/store'

/** Where a key ring is kept in etcd, as `etcd://user:password@host:port,host2/path` says it; `etcds://` by TLS. */
export interface EtcdAddress {
  readonly servers: readonly RegisterServer[]
  /** The key. */
  readonly path: string
  /** `user:password`. */
  readonly credentials: string | undefined
  readonly isSecure: boolean
}

const defaultPort = 2379
const defaultPath = '/countersign/keys'

/** `undefined` if it is none. */
export function parseEtcdUrl(url: string): EtcdAddress | undefined {
  const [plain, secure] = ['etcd', 'etcds'].map(scheme => parseRegisterUrl(url, scheme, defaultPort))
  const address = plain ?? secure
  return address && { ...address, path: address.path ?? defaultPath, isSecure: secure !== undefined }
}
