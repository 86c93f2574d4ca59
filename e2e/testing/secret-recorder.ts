import type { Answer, Call } from './http-call.ts'

/** Every secret that went over the wire, in either direction, under a name that may be printed. */
export interface SecretRecorder {
  readonly secrets: Map<string, string | Buffer>
  add(kind: string, value: string | Buffer | undefined): void
  /** Takes the secrets out of a request and its answer. */
  record(what: Call, answer: Answer | undefined): void
}

const secretFields: ReadonlySet<string> = new Set([
  'password',
  'current_password',
  'new_password',
  'client_secret',
  'code',
  'code_verifier',
  'csrf',
  'refresh_token',
  'access_token',
  'token',
  'supersedes',
])
/** Shorter ones are no secrets, and would be found by chance. */
const shortest = 8

export function createSecretRecorder(): SecretRecorder {
  const secrets = new Map<string, string | Buffer>()
  const known = new Set<string>()

  function add(kind: string, value: string | Buffer | undefined): void {
    if (value === undefined || value.length < shortest) return
    const key = value.toString('latin1' as BufferEncoding)
    if (known.has(key)) return
    known.add(key)
    secrets.set(`${kind} ${secrets.size + 1}`, value)
    for (const [part, bytes] of partsOf(value)) add(`${part} of ${kind}`, bytes)
  }

  function addFields(fields: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(fields)) {
      if (secretFields.has(name) && typeof value === 'string') add(name, value)
    }
  }

  function addHeaders(headers: Call['headers'] = {}): void {
    add('authorization', headers.authorization?.replace(/^\w+ +/, ''))
    add('proof', headers.dpop)
    for (const pair of headers.cookie?.split('; ') ?? []) add('cookie', pair.slice(pair.indexOf('=') + 1))
  }

  return {
    secrets,
    add,
    record(what, answer) {
      addHeaders(what.headers)
      addFields({ ...what.form, ...(what.json as object | undefined) })
      if (answer === undefined) return
      for (const line of [answer.headers['set-cookie'] ?? []].flat()) add('cookie', /^[^=]+=([^;]*)/.exec(line)?.[1])
      add('nonce', answer.headers['dpop-nonce']?.toString())
      const location = answer.headers.location?.toString()
      if (location !== undefined) addFields(Object.fromEntries(new URL(location, 'http://here').searchParams))
      for (const [, csrf] of answer.text.matchAll(/name="csrf" value="([^"]*)"/g)) add('csrf', csrf)
      if (answer.headers['content-type']?.toString().startsWith('application/json')) addFields(answer.json)
    },
  }
}

/** What of it must not be found alone either. Names and claims are no secrets: signatures and MACs are. */
function partsOf(value: string | Buffer): readonly (readonly [string, string | Buffer])[] {
  if (typeof value !== 'string') return []
  if (value.startsWith('cs_rt_')) return [['the MAC', Buffer.from(value.slice(6), 'base64url').subarray(31)]]
  const last = /\.([\w-]{16,})$/.exec(value)?.[1]
  return last === undefined ? [] : [['the signature', last]]
}
