import { hash } from 'node:crypto'
import type { Instant } from '../ids.ts'

/** What every short-lived row has. */
export interface ShortLived {
  /** SHA-256 of the secret or name, base64url (`hashCode`). */
  readonly hash: string
  /** The sweep forgets the row then; whether it may still be used is the decision's to judge. */
  readonly expiresAt: Instant
  readonly version: number
}

/** By what a short-lived row is found: of a secret nothing else is stored. */
export function hashCode(secretOrName: string): string {
  return hash('sha256', secretOrName, 'base64url')
}
