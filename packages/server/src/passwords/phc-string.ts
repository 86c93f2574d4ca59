/** The cost of argon2id (RFC 9106 §3.1). */
export interface Argon2Parameters {
  /** `m`. */
  readonly memoryKib: number
  /** `t`. */
  readonly passes: number
  /** `p`. */
  readonly lanes: number
}

/** A stored password hash, taken apart. */
export interface PasswordHash extends Argon2Parameters {
  readonly salt: Buffer
  readonly tag: Buffer
}

const form =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d{0,2}),p=([1-9]\d?)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})$/

/** PHC string format: base64 of the standard alphabet, without padding. */
export function formatPhc({ memoryKib, passes, lanes, salt, tag }: PasswordHash): string {
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(tag)}`
}

/**
 * `undefined` for what is not a PHC string of argon2id version 19 within bounds: a stored text must not be able to ask
 * for unbounded memory or time.
 */
export function parsePhc(text: string): PasswordHash | undefined {
  const found = form.exec(text)
  if (found === null) return undefined
  const [memoryKib, passes, lanes] = found.slice(1, 4).map(Number) as [number, number, number]
  const [salt, tag] = found.slice(4, 6).map(part => Buffer.from(part, 'base64')) as [Buffer, Buffer]
  // RFC 9106 §3.1: 8 KiB a lane at least.
  if (memoryKib < 8 * lanes || memoryKib > memoryKibAtMost) return undefined
  return { memoryKib, passes, lanes, salt, tag }
}

const memoryKibAtMost = 1_048_576

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
