import { parseRegisterUrl, type RegisterServer } from '@countersign/store'

/** Where a key ring is kept in Valkey or Redis, as `redis://user:password@host:port/path` says it; `rediss://` by TLS. */
export interface ValkeyAddress {
  readonly server: RegisterServer
  /** The key. */
  readonly path: string
  /** `user:password`; `:password` without a name. */
  readonly credentials: string | undefined
  readonly isSecure: boolean
}

const defaultPort = 6379
const defaultPath = '/countersign/keys'

/** `undefined` if it is none. Several servers are none: they do not agree with each other. A number is no path: elsewhere it names a database. */
export function parseValkeyRingUrl(url: string): ValkeyAddress | undefined {
  const [plain, secure] = ['redis', 'rediss'].map(scheme => parseRegisterUrl(url, scheme, defaultPort))
  const { servers = [], path = defaultPath, credentials } = plain ?? secure ?? {}
  const [server, ...others] = servers
  if (server === undefined || others.length > 0 || /^\/\d+$/.test(path)) return undefined
  return { server, path, credentials, isSecure: secure !== undefined }
}
