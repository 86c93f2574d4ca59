import type { Change } from '../change.ts'
import type { Instant } from '../ids.ts'
import type { Issuer } from '../issuer.ts'
import { namedEntry } from '../revocation/entries.ts'
import type { KeyRing, RefreshKey, SharedSecret, SigningKey } from './key-ring.ts'

/** What has to be said of a ring that takes the place of another: audit records, and entries of the feed for what is dead at once. */
export type ToldRingChange = Pick<Change, 'audit' | 'entries'>

/**
 * Told from the two rings alone, so that whoever finds a change that another node has made, and died of, can tell it as that node would
 * have.
 */
export function tellRingChange(
  before: KeyRing,
  after: KeyRing,
  { now, issuer }: { now: Instant; issuer: Issuer },
): ToldRingChange {
  const killed = newlyKilled(before, after)
  if (killed.length === 0) {
    const facts = { active: newlyActive(before, after).join(' ') }
    return { audit: [{ event: 'keys.turned', time: now, facts }], entries: [] }
  }
  return {
    audit: killed.map(key => ({ event: 'key.retired', time: now, facts: { key } })),
    entries: killed.map(key => namedEntry('key', key, now, issuer)),
  }
}

/** The signing keys and shared secrets that came into use. */
export function newlyActive(before: KeyRing, after: KeyRing): string[] {
  const kids = ({ signing, secrets = [] }: KeyRing): string[] =>
    [...signing, ...secrets].filter(({ state }) => state === 'active').map(({ kid }) => kid)
  return kids(after).filter(kid => !kids(before).includes(kid))
}

/** Keys and secrets that were retired by hand: what they made is dead. */
function newlyKilled(before: KeyRing, after: KeyRing): string[] {
  const killed = (ring: KeyRing): string[] => [
    ...[...ring.signing, ...(ring.secrets ?? [])].filter(isKilled).map(({ kid }) => kid),
    ...ring.refresh.filter(isKilled).map(({ id }) => String(id)),
  ]
  return killed(after).filter(id => !killed(before).includes(id))
}

/** What the schedule retires has been `retiring`. */
function isKilled({ retiredAt, retiringAt }: SigningKey | RefreshKey | SharedSecret): boolean {
  return retiredAt !== null && retiringAt === null
}
