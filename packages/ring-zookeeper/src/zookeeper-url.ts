/** Where a key ring is kept on ZooKeeper, as `zookeeper://user:password@host:port,host2/path` says it. */
export interface ZookeeperPlace {
  readonly servers: readonly ZookeeperServer[]
  /** Absolute, in ZooKeeper's tree. */
  readonly path: string
  /** `user:password`, for the scheme `digest`. Only who has it can read and write what is made with it. */
  readonly credentials: string | undefined
}

export interface ZookeeperServer {
  readonly host: string
  readonly port: number
}

const defaultPort = 2181
const defaultPath = '/countersign/keys'

/** Several servers, with or without ports, and IPv6 in brackets: more than `URL` can read. */
const form = /^zookeeper:\/\/(?:(?<credentials>[^@/?#\s]+)@)?(?<servers>[^@/?#\s]+)(?<path>\/[^?#\s]*)?$/
const server = /^(?:\[(?<six>[\da-fA-F:.]+)\]|(?<host>[\w.-]+))(?::(?<port>\d{1,5}))?$/

/** `undefined` if it is none. */
export function parseZookeeperUrl(url: string): ZookeeperPlace | undefined {
  const { credentials, servers, path } = form.exec(url)?.groups ?? {}
  if (servers === undefined) return undefined
  const read = servers.split(',').map(parseServer)
  const place = path === undefined || path === '/' ? defaultPath : path
  const decoded = credentials === undefined ? undefined : decode(credentials)
  const isWrong = decoded === null || !(decoded ?? ':').includes(':') || !isPath(place)
  if (isWrong || !read.every(one => one !== undefined)) return undefined
  return { servers: read, path: place, credentials: decoded }
}

function parseServer(text: string): ZookeeperServer | undefined {
  const { six, host, port } = server.exec(text)?.groups ?? {}
  const name = six ?? host
  const number = port === undefined ? defaultPort : Number(port)
  return name === undefined || number < 1 || number > 65_535 ? undefined : { host: name, port: number }
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** `/zookeeper` is ZooKeeper's own. */
function isPath(path: string): boolean {
  const names = path.slice(1).split('/')
  return names.every(name => /^[\x21-\x2e\x30-\x7e]+$/.test(name) && !/^\.\.?$/.test(name)) && names[0] !== 'zookeeper'
}
