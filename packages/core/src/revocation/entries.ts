import type { EpochEntry, EpochKind, FeedEntry, NamedKind } from '@countersign/protocol'
import type { Instant } from '../ids.ts'
import type { Issuer } from '../issuer.ts'

/** Clocks of verifiers may be off, and tokens are accepted a little past their end. */
const marginSeconds = 120

/** Until when an entry must be kept: the longest token that it can concern is past, by the longest lifetime ever configured. */
export function entryUntil(now: Instant, issuer: Issuer): number {
  return Math.ceil(now / 1000) + issuer.longestAccessTokenSeconds + marginSeconds
}

/** Named is dead. */
export function namedEntry(kind: NamedKind, id: string, now: Instant, issuer: Issuer): FeedEntry {
  return { kind, id, until: entryUntil(now, issuer) }
}

/** Kills what carries a lower epoch. */
export function epochEntry(kind: EpochKind, id: string, below: number, now: Instant, issuer: Issuer): EpochEntry {
  return { kind, id, below, at: Math.floor(now / 1000), until: entryUntil(now, issuer) }
}
