import {
  type EpochKind,
  type FeedEntry,
  grantEntryId,
  isEpochEntry,
  type NamedKind,
  type TokenOrigin,
} from '@countersign/protocol'
import type { VerifiedClaims } from './claims.ts'

/** What is known to be revoked: one set of entries that the feed fills and every verification reads. */
export interface Revocations {
  /** Grows with every change that could kill a token: a verdict stays good while it stands still. */
  readonly version: number
  readonly size: number
  /** Takes the place of everything known, at once. False: not all of it could be held. */
  replace(entries: readonly FeedEntry[]): boolean
  /** False: not all of what is known now could be held. */
  add(entries: readonly FeedEntry[]): boolean
  /** Forgets entries whose `until` (seconds, by the feed's clock) is past. */
  prune(nowSeconds: number): void
  /** Why a token with these claims, signed with this key, is dead (design: revocation); undefined: it is not. */
  kills(claims: VerifiedClaims, kid: string | undefined): 'token_revoked' | 'token_outdated' | undefined
  /** True if this key was retired, and everything that it signed with it. */
  killsKey(kid: string): boolean
}

interface Mark {
  /** Epoch kinds only; named kinds kill whatever they name. */
  readonly below: number
  readonly at: number
  readonly until: number
}

type Marks = Readonly<Record<NamedKind | EpochKind, Map<string, Mark>>>

/**
 * Where there is no room for all, what kills more stays: a single token goes first, then logins, a key never before them.
 * So nobody who can have many tokens of his own revoked can push out the end of a session.
 */
const leastFirst = ['claims', 'token', 'family', 'session', 'grant', 'user', 'client', 'key', 'all'] as const

export function revocations(mostEntries: number = Number.POSITIVE_INFINITY): Revocations {
  let marks = noMarks()
  let size = 0
  let version = 0

  return {
    get version() {
      return version
    },
    get size() {
      return size
    },
    replace(entries) {
      const fresh = noMarks()
      const entered = enter(fresh, entries, mostEntries)
      size = entered.added
      marks = fresh
      version++
      return entered.whole
    },
    add(entries) {
      if (entries.length === 0) return true
      const entered = enter(marks, entries, mostEntries - size)
      size += entered.added
      version++
      return entered.whole
    },
    prune(nowSeconds) {
      for (const kind of Object.values(marks)) {
        for (const [id, mark] of kind) if (mark.until < nowSeconds && kind.delete(id)) size--
      }
    },
    kills(claims, kid) {
      if (size === 0) return undefined
      if (isNamed(marks, claims, kid) || isOutlived(marks, claims)) return 'token_revoked'
      return isOutdated(marks, claims) ? 'token_outdated' : undefined
    },
    killsKey: kid => marks.key.has(kid),
  }
}

function noMarks(): Marks {
  const map = () => new Map<string, Mark>()
  return {
    token: map(),
    family: map(),
    session: map(),
    key: map(),
    user: map(),
    client: map(),
    grant: map(),
    all: map(),
    claims: map(),
  }
}

/** Answers by how many there are more marks, and whether there was room for all. */
function enter(marks: Marks, entries: readonly FeedEntry[], room: number): { added: number; whole: boolean } {
  let added = 0
  let whole = true
  for (const entry of entries) {
    const kind = marks[entry.kind]
    const id = entry.kind === 'all' ? '' : entry.id
    const known = kind.get(id)
    if (known === undefined && added < room) added++
    else if (known === undefined) {
      whole = false
      if (!evictLesser(marks, entry.kind)) continue
    }
    // Of two limits the higher one holds, whichever came last (CVE-2026-8922).
    kind.set(id, {
      below: Math.max(known?.below ?? Number.NEGATIVE_INFINITY, isEpochEntry(entry) ? entry.below : 0),
      at: Math.max(known?.at ?? Number.NEGATIVE_INFINITY, isEpochEntry(entry) ? entry.at : 0),
      until: Math.max(known?.until ?? Number.NEGATIVE_INFINITY, entry.until),
    })
  }
  return { added, whole }
}

/** Drops the oldest mark of the least kind, if that is less than `kind`. */
function evictLesser(marks: Marks, kind: FeedEntry['kind']): boolean {
  for (const lesser of leastFirst) {
    if (lesser === kind) return false
    for (const id of marks[lesser].keys()) return marks[lesser].delete(id)
  }
  return false
}

function isNamed(marks: Marks, { jti, fam, sid, epo }: VerifiedClaims, kid: string | undefined): boolean {
  return (
    (jti !== undefined && marks.token.has(jti)) ||
    epo?.via?.some(origin => marks.token.has(origin.jti)) === true ||
    (fam !== undefined && marks.family.has(fam)) ||
    (sid !== undefined && marks.session.has(sid)) ||
    (kid !== undefined && marks.key.has(kid))
  )
}

function isOutlived(marks: Marks, claims: VerifiedClaims): boolean {
  const { sub, client_id: client, epo, iat } = claims
  return (
    isBefore(marks.all.get(''), epo?.all, iat) ||
    isBefore(marks.user.get(sub), epo?.user, iat) ||
    (client !== undefined &&
      (isBefore(marks.client.get(client), epo?.client, iat) ||
        (marks.grant.size > 0 && isBefore(marks.grant.get(grantEntryId(sub, client)), epo?.grant, iat)))) ||
    epo?.via?.some(origin => isOriginOutdated(marks, sub, origin, iat)) === true
  )
}

/** What it tells of its user has changed. A token that says nothing of it tells nothing. */
function isOutdated(marks: Marks, { fam, epo }: VerifiedClaims): boolean {
  if (marks.claims.size === 0 || fam === undefined || epo?.claims === undefined) return false
  return epo.claims < (marks.claims.get(fam)?.below ?? 0)
}

/** An exchanged token dies with each that it was made from: its client, what the user had allowed that one. */
function isOriginOutdated(marks: Marks, sub: string, { client_id, client, grant }: TokenOrigin, iat: number): boolean {
  return (
    isBefore(marks.client.get(client_id), client, iat) ||
    isBefore(marks.grant.get(grantEntryId(sub, client_id)), grant, iat)
  )
}

/** By epoch where the token carries it; else by time, for tokens from elsewhere. */
function isBefore(mark: Mark | undefined, epoch: number | undefined, iat: number): boolean {
  if (mark === undefined) return false
  return epoch === undefined ? iat <= mark.at : epoch < mark.below
}
