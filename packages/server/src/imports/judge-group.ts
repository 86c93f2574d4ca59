import {
  type AuditRecord,
  type Change,
  emailKey,
  type Identity,
  type ImportedWork,
  type User,
  type Write,
} from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { Derivation } from '../passwords/imported-hash.ts'
import { withWork } from '../passwords/imported-work.ts'
import type { Services } from '../services.ts'
import type { Candidate } from './candidate.ts'
import { makeUser } from './make-user.ts'
import type { WrittenUser } from './written-user.ts'

/** What becomes of a line. */
export type Verdict = 'imported' | 'there' | Refusal

/** What becomes of each of a group, and all that has to be written for it. */
export async function judgeGroup(
  services: Services,
  group: readonly Candidate[],
): Promise<{
  verdicts: ReadonlyMap<number, Verdict>
  change: Change | undefined
  /** Of the hashes that the change brings. */
  derivations: readonly Derivation[]
}> {
  const [{ now, issuer }, found] = await Promise.all([
    services.store.loadIssuer(),
    Promise.all(group.map(({ written }) => find(services, written))),
  ])
  const verdicts = new Map<number, Verdict>()
  const writes: Write[] = []
  const audit: AuditRecord[] = []
  const derivations: Derivation[] = []
  const before = issuer.importedWork ?? {}
  let work: ImportedWork = before
  for (const [place, candidate] of group.entries()) {
    const verdict = judge(candidate, found[place] as Found)
    const more = verdict === 'imported' ? workWith(work, candidate) : work
    if (more === undefined) verdicts.set(candidate.line, tooManyKinds())
    else verdicts.set(candidate.line, verdict)
    if (verdict !== 'imported' || more === undefined) continue
    if (candidate.hash?.derivation !== undefined) derivations.push(candidate.hash.derivation)
    work = more
    const made = makeUser(services, candidate, now)
    writes.push(...made.writes)
    audit.push(made.audit)
  }
  // Only if it says something new: of imports at once all but one would be in the others' way.
  if (work !== before) writes.push({ table: 'issuer', row: { ...issuer, importedWork: work } })
  const change = writes.length === 0 ? undefined : { writes, audit, entries: [], durable: true, time: now }
  return { verdicts, change, derivations }
}

interface Found {
  readonly byId: User | undefined
  readonly byEmail: User | undefined
  /** Whose the identities are, or were last. */
  readonly identities: readonly Identity[]
}

async function find({ store }: Services, { id, email, identities }: WrittenUser): Promise<Found> {
  const key = email === null ? null : emailKey(email)
  const [byId, byEmail, ...known] = await Promise.all([
    id === undefined ? undefined : store.loadUser(id),
    key === null ? undefined : store.loadUserByEmail(key),
    ...identities.map(one => store.loadUserByIdentity(one.connection, one.subject)),
  ])
  const rows = known.flatMap(({ identity }) => (identity === undefined ? [] : [identity]))
  return { byId: byId?.user, byEmail: byEmail?.user, identities: rows }
}

/**
 * Whether somebody is there already: by the id, by an identity, or by the address, if it is confirmed on both sides or the line is the one that they were made from.
 * Another's identity or address is refused: nobody's account is given away by what a file says.
 */
function judge({ written }: Candidate, { byId, byEmail, identities }: Found): Verdict {
  if (byId !== undefined) return 'there'
  const [first, ...others] = identities
  if (first !== undefined) {
    const isOne = written.id === undefined && others.every(({ userId }) => userId === first.userId)
    return isOne ? 'there' : refuse('identity_taken')
  }
  if (byEmail === undefined) return 'imported'
  const isConfirmed = written.isEmailVerified && byEmail.emailVerifiedAt !== null
  const isFromThisLine =
    written.createdAt === byEmail.createdAt ||
    (written.passwordHash !== null && written.passwordHash === byEmail.passwordHash)
  return isConfirmed || isFromThisLine ? 'there' : refuse('email_taken')
}

function workWith(work: ImportedWork, { hash }: Candidate): ImportedWork | undefined {
  return hash?.derivation === undefined ? work : withWork(work, hash.derivation)
}

function tooManyKinds(): Refusal {
  const detail =
    'Judging all the hashes that were imported would cost every sign-in too much: of four kinds at most, and a second and a half of a core. Import this user without password_hash.'
  return refuse('password_hash_unsupported', { detail })
}
