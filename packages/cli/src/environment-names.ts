import { nearestOf } from './configuration-problems.ts'
import { configurationKeys } from './configuration-schema.ts'

/*
 * Which variables of the environment are ours. Every name that begins with COUNTERSIGN_ is, but for what Kubernetes puts there of Services that are called
 * countersign, or begin so: one that nobody reads would be a setting that is missing in silence.
 */

export const prefix = 'COUNTERSIGN_'

/** Words that are no keys: for the file, the key, the demo. */
const otherVariables = ['CONFIG', 'MASTER_KEY', 'DEMO_API_SECRET']

/** What tests need: programs and where they are. What looks like an address there is none of theirs; the key that was probably meant. */
const testVariables: Readonly<Record<string, string | undefined>> = {
  CHROMIUM: undefined,
  NGINX: undefined,
  FAKETIME: undefined,
  PGBOUNCER: 'DATABASE',
  POSTGRES: 'DATABASE',
  REDIS: 'VALKEY',
  ZOOKEEPER: 'KEY_RING',
  ETCD: 'KEY_RING',
}

/** How others call what we call otherwise. */
const otherWords: Readonly<Record<string, string>> = {
  DB: 'DATABASE',
  DB_URL: 'DATABASE',
  PG: 'DATABASE',
  POSTGRESQL: 'DATABASE',
  POSTGRES_URL: 'DATABASE',
  REDIS_URL: 'VALKEY',
  URL: 'ISSUER',
  BASE_URL: 'ISSUER',
  PUBLIC_URL: 'ISSUER',
  ADDRESS: 'HOST',
  BIND: 'HOST',
  LISTEN: 'HOST',
  SECRET: 'MASTER_KEY',
  SECRET_KEY: 'MASTER_KEY',
  FILE: 'CONFIG',
}

const known = [...configurationKeys.map(key => key.toUpperCase()), ...otherVariables]

/** `tcp://10.0.0.1:4400`: where a Service is, which Kubernetes says in a variable that may have the name of a port of ours. */
const serviceAddress = /^(tcp|udp|sctp):\/\//i

/** The variables that Kubernetes makes for a Service of the name countersign or countersign-…, if they are not switched off (`enableServiceLinks`). */
const serviceVariable = /^COUNTERSIGN_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/

export function isOfService(name: string, value: string): boolean {
  return serviceVariable.test(name) || (/^COUNTERSIGN_(\w+_)?PORT$/.test(name) && serviceAddress.test(value))
}

/** What is set under a name that is nobody's, a sentence each. Never the value. */
export function strangersIn(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const word = name.slice(prefix.length)
    if (!name.startsWith(prefix) || value === undefined || value === '') return []
    if (known.includes(word) || isOfService(name, value)) return []
    const isOfTests = Object.hasOwn(testVariables, word)
    if (isOfTests && !value.includes('://')) return []
    const meant = (isOfTests ? testVariables[word] : otherWords[word]) ?? nearestOf(word, known)
    const names = (typeof meant === 'string' ? [meant] : (meant ?? [])).map(one => `${prefix}${one}`)
    return [
      names.length === 0
        ? `${name} is not a setting, and names that begin with ${prefix} are for settings alone.`
        : `${name} is not a setting. Did you mean ${names.join(' or ')}?`,
    ]
  })
}
