/**
 * Ids of sessions, families and users: 16 bytes, base64url (22 characters). The first six bytes are the time in
 * milliseconds, so that ids grow and B-trees append; the other ten are random, so that ids cannot be guessed.
 *
 * @module
 */

/** A time in whole milliseconds since 1970, by the store's clock. */
export type Instant = number

/** Random bytes from a cryptographic source; an argument everywhere, so that a run can be repeated. */
export type RandomBytes = (length: number) => Buffer

/** Makes an id for `now`. */
export function makeId(now: Instant, random: RandomBytes): string {
  const bytes = Buffer.allocUnsafe(16)
  bytes.writeUIntBE(now, 0, 6)
  random(10).copy(bytes, 6)
  return bytes.toString('base64url')
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Of no byte but zeros: nobody's (RFC 9562 §5.9). */
const nil = 'A'.repeat(22)

/** The id that somebody else wrote, in 22 characters or as the UUID of the same bytes. `undefined`: it is neither. */
export function idOf(text: string): string | undefined {
  const id = uuid.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex').toString('base64url') : text
  return isId(id) && id !== nil ? id : undefined
}

/** The same bytes as a UUID is written (RFC 9562 §4). */
export function uuidOf(id: string): string {
  return Buffer.from(id, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** True for what `makeId` could have made: 22 characters of base64url without stray bits. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{21}[AQgw]$/.test(text)
}
