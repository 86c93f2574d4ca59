import { urlsOf } from './host-urls.ts'
import { elsewhere, parameters } from './url-parameters.ts'

/*
 * What is wrong with the URL of a database, before anybody is told a password. No driver is needed for it: the configuration is read with
 * it.
 */

/**
 * What is wrong with a URL; `undefined`: nothing. Also what the driver would pass over in silence: with `ssl_mode=verify-full` or `sslmode=` the
 * password would go in the clear. What was written is not said: it may be a part of a password that was not encoded.
 */
export function faultOfDatabaseUrl(text: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(text)) return 'must be a URL such as postgres://user@host:5432/database'
  if (/\s/.test(text)) return 'holds a space or the end of a line: in a password a space is written %20'
  if (text.includes('#')) return 'has a #: in a password it is written %23'
  if (!isDecodable(text))
    return 'has a % without two hexadecimal digits that say UTF-8: in a password it is written %25'
  return faultOfHosts(text) ?? faultOfParameters(parametersOf(text))
}

/** The same of where a node listens. */
export function faultOfListenUrl(text: string): string | undefined {
  const pooled = 'has pgbouncer=true, behind which nobody hears: give the address of the database itself, or "off"'
  return faultOfDatabaseUrl(text) ?? (settingsOf(text).isPooled ? pooled : undefined)
}

/** What a URL asks for besides where the database is. */
export interface UrlSettings {
  /** For one host, at most. */
  readonly connectTimeoutMs: number | undefined
  readonly channelBinding: 'require' | 'prefer' | 'disable'
  readonly keepAliveDelayMs: number | undefined
  /** Behind a pooler in transaction mode: no statement keeps its name, and nobody hears. */
  readonly isPooled: boolean
  /** Files that it names, by their parameters. */
  readonly files: readonly (readonly [parameter: string, path: string])[]
}

/** Of a URL with which nothing is wrong. */
export function settingsOf(url: string): UrlSettings {
  const given = parametersOf(url)
  const milliseconds = (name: string): number | undefined =>
    given.has(name) ? Number(given.get(name)) * 1000 : undefined
  return {
    connectTimeoutMs: milliseconds('connect_timeout'),
    channelBinding: (given.get('channel_binding') ?? 'disable') as UrlSettings['channelBinding'],
    keepAliveDelayMs: milliseconds('keepalives_idle'),
    isPooled: given.get('pgbouncer') === 'true',
    files: ['sslrootcert', 'sslcert', 'sslkey'].flatMap(name => {
      const path = given.get(name)
      return path === null ? [] : [[name, path] as const]
    }),
  }
}

/** Without a name of libpq's to go by, the driver takes these modes as verify-full, and says so in a warning of its own. */
export function asVerifyFull(url: string): string {
  if (parametersOf(url).has('uselibpqcompat')) return url
  return url.replace(/([?&]sslmode=)(?:require|prefer|verify-ca)(?=&|$)/, '$1verify-full')
}

function parametersOf(url: string): URLSearchParams {
  return new URLSearchParams(/\?(.*)$/s.exec(url)?.[1] ?? '')
}

/** True if each % in it begins a letter that is written by its number. */
export function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

const oneHost = /^(?:\[[\da-f:.]+\]|[^:[\]@\\<>^|]+)(?::(\d{1,5}))?$/i
const encoded = 'In a user name, a password or the name of a database, / is written %2F, ? %3F, @ %40, : %3A'

function faultOfHosts(text: string): string | undefined {
  const [, hosts = '', rest = ''] = /^[^/]*\/\/(?:[^/?#]*@)?([^/?#]*)(.*)$/s.exec(text) ?? []
  // As libpq has it: a socket, or the host that stands among the parameters.
  if (hosts !== '') {
    const wrong = hosts.split(',').find(host => {
      const [whole, port = '1'] = oneHost.exec(host) ?? []
      return whole === undefined || Number(port) < 1 || Number(port) > 65_535
    })
    if (wrong === '') return 'has a comma without a host beside it'
    if (wrong !== undefined) {
      return `has no host, or no port from 1 to 65535, where one should be; IPv6 stands in brackets. ${encoded}`
    }
  }
  if (/^[^?]*@/.test(rest)) return `has an @ behind the host. ${encoded}`
  return urlsOf(text).every(url => URL.canParse(url) || URL.canParse(url.replace('@/', '@localhost/')))
    ? undefined
    : `cannot be read. ${encoded}`
}

function faultOfParameters(given: URLSearchParams): string | undefined {
  for (const name of given.keys()) {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (parameter === undefined) return faultOfUnknown(name)
    if (given.getAll(name).length > 1) return `has ${name} twice`
    const { fits, must = `must be one of ${String(fits).replaceAll(',', ', ')}` } = parameter
    const value = given.get(name) ?? ''
    if (!(fits instanceof RegExp ? fits.test(value) : fits.includes(value))) return `has ${name}, which ${must}`
  }
  return contradictionOf(given)
}

/** Never by the name that was written, but by one of ours. */
function faultOfUnknown(name: string): string {
  const plain = (one: string): string => one.toLowerCase().replace(/[-_]/g, '')
  const same = (one: string): boolean => plain(one) === plain(name)
  const other = Object.keys(elsewhere).find(same)
  if (other !== undefined) return `has ${other}, which means nothing here: ${elsewhere[other]}`
  const known = Object.keys(parameters)
  const meant = known.find(same)
  return `has a parameter that is not known; ${meant === undefined ? `known: ${known.join(', ')}` : `did you mean ${meant}?`}`
}

/** What promises something that the rest takes back: the driver would follow one of the two. */
function contradictionOf(given: URLSearchParams): string | undefined {
  const has = (name: string, ...values: string[]): boolean => values.includes(given.get(name) ?? '')
  const isPlain = has('sslmode', 'disable') || has('ssl', '0')
  const wantsTls = [
    ...(has('ssl', 'true', '1') ? ['ssl'] : []),
    ...(given.has('sslmode') && !has('sslmode', 'disable') ? ['sslmode'] : []),
    ...['sslrootcert', 'sslcert', 'sslkey'].filter(name => given.has(name)),
    ...(has('sslnegotiation', 'direct') ? ['sslnegotiation'] : []),
  ]
  if (isPlain && wantsTls.length > 0) {
    return `wants no TLS (${has('sslmode', 'disable') ? 'sslmode=disable' : 'ssl=0'}) and TLS (${wantsTls.join(', ')})`
  }
  if (has('channel_binding', 'require') && wantsTls.length === 0) {
    return 'has channel_binding=require, which is of a connection by TLS: say sslmode=verify-full too'
  }
  if (given.has('sslcert') !== given.has('sslkey')) return 'has one of sslcert and sslkey, which go together'
  if (has('uselibpqcompat', 'true') && has('sslmode', 'verify-ca') && !given.has('sslrootcert')) {
    return 'has sslmode=verify-ca without sslrootcert: say whose certificates are good, or sslmode=verify-full'
  }
  return undefined
}
