import { createHmac } from 'node:crypto'
import type { ShortLived } from '../grant-types/short-lived-row.ts'
import type { Instant } from '../ids.ts'
import type { User } from '../users/user.ts'

/** Something that a user has signed in with before. Nothing in it can be read back: its hash is made with the user's own salt, and is worth nothing once that has been erased. */
export type KnownDevice = ShortLived

const knownForMs = 180 * 86_400_000
/** It is written again so seldom: a sign-in with what is known writes nothing. */
const renewedAfterMs = 86_400_000

/**
 * How a device is known: a browser by the value that it keeps, or what it calls itself together with its network. `undefined`: nothing is remembered of users whose
 * salt was erased.
 */
export function deviceHash(user: User, ...parts: readonly string[]): string | undefined {
  if (user.sealSalt === null) return undefined
  return createHmac('sha256', user.sealSalt)
    .update(JSON.stringify(['known device', ...parts]))
    .digest('base64url')
}

/** The row that remembers it from now on; `undefined`: what there is remembers it well enough. */
export function rememberDevice(hash: string, now: Instant, before: KnownDevice | undefined): KnownDevice | undefined {
  const expiresAt = now + knownForMs
  if (before !== undefined && before.expiresAt > expiresAt - renewedAfterMs) return undefined
  return { hash, expiresAt, version: before?.version ?? 0 }
}

/** The row that knows it no more. */
export function forgetDevice(device: KnownDevice, now: Instant): KnownDevice {
  return { ...device, expiresAt: now }
}

/** Rows are found until they are swept. */
export function isKnown(device: KnownDevice | undefined, now: Instant): boolean {
  return device !== undefined && device.expiresAt > now
}
