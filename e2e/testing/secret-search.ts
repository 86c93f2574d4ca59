import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where something could have been left: a file, what a process printed. */
export interface Place {
  readonly name: string
  readonly bytes: Buffer
}

/** What must not be found, by a name that may be printed. */
export type Secrets = ReadonlyMap<string, string | Buffer>

/** Says which secret stands where, in whatever spelling; names alone, never the secret. */
export function findSecrets(secrets: Secrets, places: readonly Place[]): readonly string[] {
  const found: string[] = []
  for (const [name, secret] of secrets) {
    for (const [spelling, form] of spellings(secret)) {
      for (const place of places) if (place.bytes.includes(form)) found.push(`${name}, ${spelling}, in ${place.name}`)
    }
  }
  return found
}

/** A secret as somebody could have written it down. */
function spellings(secret: string | Buffer): readonly (readonly [string, Buffer])[] {
  const bytes = Buffer.from(secret as string)
  const all: [string, Buffer][] = [...encodings('', bytes)]
  if (typeof secret === 'string') {
    all.push(['percent-encoded', Buffer.from(encodeURIComponent(secret))])
    all.push(['in JSON', Buffer.from(JSON.stringify(secret).slice(1, -1))])
    all.push(['UTF-16', Buffer.from(secret, 'utf16le')])
    const decoded = Buffer.from(secret, 'base64url')
    const isBase64url = decoded.length >= 12 && decoded.toString('base64url') === secret
    if (isBase64url) all.push(...encodings('decoded, ', decoded))
  }
  return all
}

function encodings(prefix: string, bytes: Buffer): [string, Buffer][] {
  const hex = bytes.toString('hex')
  return [
    [`${prefix}as it is`, bytes],
    [`${prefix}hex`, Buffer.from(hex)],
    [`${prefix}HEX`, Buffer.from(hex.toUpperCase())],
    ...[0, 1, 2].flatMap((shift): [string, Buffer][] => [
      [`${prefix}base64 after ${shift}`, base64Within(bytes, shift, 'base64')],
      [`${prefix}base64url after ${shift}`, base64Within(bytes, shift, 'base64url')],
    ]),
  ]
}

/** What base64 makes of the bytes wherever they stand in something longer: the characters that are theirs alone. */
function base64Within(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): Buffer {
  const whole = Math.floor((shift + bytes.length) / 3) * 3
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .subarray(0, whole)
    .toString(encoding)
  return Buffer.from(text.slice(shift === 0 ? 0 : 4))
}

/** Every file below a folder except those named, byte for byte; sockets have none. */
export function filesIn(folder: string, except: readonly string[]): readonly Place[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !except.includes(entry.name))
    .map(entry => ({ name: entry.name, bytes: readFileSync(join(entry.parentPath, entry.name)) }))
}
