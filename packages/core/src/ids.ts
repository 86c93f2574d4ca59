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

/** True for what `makeId` could have made: 22 characters of base64url without stray bits. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{21}[AQgw]$/.test(text)
}
