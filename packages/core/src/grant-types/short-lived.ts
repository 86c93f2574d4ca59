import type { Epochs } from '@countersign/protocol'
import type { Instant } from '../ids.ts'
import type { AuthorizationCode } from './code.ts'
import type { ShortLived } from './short-lived-row.ts'

/*
 * What lives for minutes and is used once: codes, pushed requests, device codes, the ids of proofs. They are all kept alike, by their kind and the hash of
 * the secret that names them (the secret itself is stored nowhere), and forgotten once they have expired. Single use is their version: of fifty that
 * write one, one commits.
 */

/** A pushed authorization request (RFC 9126): what the `request_uri` stands for. */
export interface PushedRequest extends ShortLived {
  readonly clientId: string
  /** The parameters as they were sent, all but the client's authentication. */
  readonly parameters: Readonly<Record<string, string>>
  /** Thumbprint of the key that alone may redeem the code: of the proof that came along, or `dpop_jkt` (RFC 9449 §10.1); null: any. */
  readonly jkt: string | null
  /** When a browser came with it for the first time; null: not yet. */
  readonly openedAt: Instant | null
  /** When it led to a code; null: not yet. */
  readonly usedAt: Instant | null
}

/** A device authorization request (RFC 8628), by its device code. */
export interface DeviceCode extends ShortLived {
  readonly clientId: string
  readonly scope: string
  readonly audiences: readonly string[]
  readonly createdAt: Instant
  /** Until then it can be approved and redeemed; the row stays a little longer, so that a late poll hears `expired_token`. */
  readonly validUntil: Instant
  readonly state: 'pending' | 'approved' | 'denied' | 'used'
  /** Who approved it, in which session of the hosted pages, and under which epochs. */
  readonly userId: string | null
  readonly sessionId: string | null
  readonly epochs: Epochs | null
  /** Grows by five each time that the client asks too soon (§3.5). */
  readonly intervalSeconds: number
  readonly polledAt: Instant | null
}

/** Leads from the user code, which people type, to the device code's row. */
export interface UserCode extends ShortLived {
  readonly deviceCodeHash: string
}

/** Something that may be used once: the `jti` of an assertion, with its issuer. Written with version 0 alone: the second is a conflict. */
export type UsedOnce = ShortLived

/** All kinds, by their names. A new one is added here; engines keep it without a change. */
export interface ShortLivedRows {
  readonly code: AuthorizationCode
  readonly pushedRequest: PushedRequest
  readonly deviceCode: DeviceCode
  readonly userCode: UserCode
  readonly usedOnce: UsedOnce
}

export type ShortLivedKind = keyof ShortLivedRows

const kinds: Readonly<Record<ShortLivedKind, true>> = {
  code: true,
  pushedRequest: true,
  deviceCode: true,
  userCode: true,
  usedOnce: true,
}

/** True if rows of this table are short-lived. */
export function isShortLived(table: string): table is ShortLivedKind {
  return Object.hasOwn(kinds, table)
}
