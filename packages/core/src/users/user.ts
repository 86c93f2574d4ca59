import type { Instant } from '../ids.ts'

/** A person's account. */
export interface User {
  readonly id: string
  /** As the user wrote it; null after erasure. */
  readonly email: string | null
  readonly name: string | null
  /** A PHC string, or null: signs in by other means. */
  readonly passwordHash: string | null
  readonly disabledAt: Instant | null
  readonly deletedAt: Instant | null
  readonly createdAt: Instant
  /** Personal fields of the audit log are sealed under a key made from this; erasing it erases them. */
  readonly sealSalt: Buffer | null
  readonly epoch: number
  readonly version: number
}

/** A user as one connection knows them. */
export interface Identity {
  readonly connection: string
  /** The id at the connection. */
  readonly subject: string
  readonly userId: string
}

export function mayUse(user: User): boolean {
  return user.disabledAt === null && user.deletedAt === null
}
