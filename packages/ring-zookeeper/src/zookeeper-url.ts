import { parseRegisterUrl, type RegisterServer } from '@countersign/store'

/** Where a key ring is kept on ZooKeeper, as `zookeeper://user:password@host:port,host2/path` says it. */
export interface ZookeeperAddress {
  readonly servers: readonly RegisterServer[]
  /** Absolute, in ZooKeeper's tree. */
  readonly path: string
  /** `user:password`, for the scheme `digest`. Only who has it can read and write what is made with it. */
  readonly credentials: string | undefined
}

const defaultPort = 2181
const defaultPath = '/countersign/keys'

/** `undefined` if it is none. `/zookeeper` is ZooKeeper's own. */
export function parseZookeeperUrl(url: string): ZookeeperAddress | undefined {
  const address = parseRegisterUrl(url, 'zookeeper', defaultPort)
  const path = address?.path ?? defaultPath
  return address === undefined || /^\/zookeeper(\/|$)/.test(path) ? undefined : { ...address, path }
}
