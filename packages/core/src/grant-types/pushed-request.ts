import type { Instant } from '../ids.ts'
import type { ShortLived } from './short-lived-row.ts'

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

/** RFC 9126 §2.2. */
export const requestUriPrefix = 'urn:ietf:params:oauth:request_uri:'

/** The client sends the browser here at once: until then, so long (§2.2 recommends 5 to 600 s). */
export const pushedRequestSeconds = 90

/** From then on people take their time: they look for their password, and read what they are asked. */
export const openedRequestSeconds = 3_600
