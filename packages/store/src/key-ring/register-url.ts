/** Where a register is, and what it calls the text in it, as `scheme://user:password@host:port,host2/path` says it. */
export interface RegisterAddress {
  readonly servers: readonly RegisterServer[]
  /** Absolute; `undefined`: none is given. */
  readonly path: string | undefined
  /** `user:password`, decoded. */
  readonly credentials: string | undefined
}

export interface RegisterServer {
  /** IPv6 without its brackets. */
  readonly host: string
  readonly port: number
}

/** Several servers, with or without ports, and IPv6 in brackets: more than `URL` can read. */
const form = /^(?<scheme>[a-z]+):\/\/(?:(?<credentials>[^@/?#\s]+)@)?(?<servers>[^@/?#\s]+)(?<path>\/[^?#\s]*)?$/
const server = /^(?:\[(?<six>[\da-fA-F:.]+)\]|(?<host>[\w.-]+))(?::(?<port>\d{1,5}))?$/

/** `undefined` if it is none of this scheme. */
export function parseRegisterUrl(url: string, scheme: string, defaultPort: number): RegisterAddress | undefined {
  const found = form.exec(url)?.groups ?? {}
  if (found.servers === undefined || found.scheme !== scheme) return undefined
  const servers = found.servers.split(',').map(text => parseServer(text, defaultPort))
  const credentials = found.credentials === undefined ? undefined : decode(found.credentials)
  const path = found.path === undefined || found.path === '/' ? undefined : found.path
  const isWrong = credentials === null || !(credentials ?? ':').includes(':') || !isPath(path ?? '/x')
  return isWrong || !servers.every(one => one !== undefined) ? undefined : { servers, path, credentials }
}

function parseServer(text: string, defaultPort: number): RegisterServer | undefined {
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

function isPath(path: string): boolean {
  const names = path.slice(1).split('/')
  return names.every(name => /^[\x21-\x2e\x30-\x7e]+$/.test(name) && !/^\.\.?$/.test(name))
}
