import {
  type AuditRecord,
  type Change,
  emailKey,
  type Identity,
  type ImportedWork,
  type Instant,
  makeId,
  newIdentity,
  newUser,
  type User,
  type Write,
} from '@countersign/core'
import { isRefusal, type Reason, type Refusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import type { Derivation } from '../passwords/imported-hash.ts'
import { withWork } from '../passwords/imported-work.ts'
import type { ReadHash } from '../passwords/password-hasher.ts'
import { passwordsRefused } from '../passwords/use-of-passwords.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { readWrittenUser, type WrittenUser } from './written-user.ts'

/** A line of the file, by its number. */
export interface ImportLine {
  readonly line: number
  readonly text: string
}

/** What became of some lines. */
export interface ImportOutcome {
  readonly imported: number
  /** Of users who are there already: left as they are. */
  readonly there: number
  readonly refused: readonly RefusedLine[]
}

export interface RefusedLine {
  readonly line: number
  readonly reason: Reason
  readonly detail?: string
}

interface Candidate {
  readonly line: number
  readonly written: WrittenUser
  readonly hash: ReadHash | undefined
}

type Verdict = 'imported' | 'there' | Refusal

/** So often a group is tried as a whole: somebody else may take an address in between. */
const triesOfGroup = 3

/** So often a line is tried by itself. A conflict is somebody else's commit, so so many of them are the outside world's. */
const triesOfLine = 20

/**
 * Makes the users of some lines, in one commit if nothing stands against it. A line is refused by itself, and holds up no other. Whoever is there already is left as they
 * are, so that what was broken off is simply done again. `isDryRun`: all is judged, and nothing written.
 */
export async function importUsers(
  services: Services,
  lines: readonly ImportLine[],
  { isDryRun = false }: { readonly isDryRun?: boolean } = {},
): Promise<ImportOutcome> {
  const { now } = await services.store.loadIssuer()
  const read = lines.map(({ line, text }) => ({ line, candidate: readLine(services, line, text, now) }))
  const verdicts = new Map<number, Verdict>()
  let group: Candidate[] = []
  for (const { line, candidate } of read) {
    if (isRefusal(candidate)) {
      verdicts.set(line, candidate)
      continue
    }
    // Two lines of one user are judged one after the other.
    if (group.some(other => shareAKey(other, candidate))) {
      await importGroup(services, group, { verdicts, isDryRun })
      group = []
    }
    group.push(candidate)
  }
  await importGroup(services, group, { verdicts, isDryRun })
  return outcomeOf(verdicts)
}

function readLine(services: Services, line: number, text: string, now: Instant): Candidate | Refusal {
  const written = readWrittenUser(text, now)
  if (isRefusal(written)) return written
  if (written.passwordHash === null) return { line, written, hash: undefined }
  const off = passwordsRefused(services.config)
  if (off !== undefined) return off
  const hash = services.passwords.read(written.passwordHash)
  return hash === undefined ? refuse('password_hash_unsupported') : { line, written, hash }
}

function keysOf({ written: { id, email, identities } }: Candidate): string[] {
  return [
    ...(id === undefined ? [] : [`id ${id}`]),
    ...(email === null ? [] : [`email ${emailKey(email)}`]),
    ...identities.map(one => JSON.stringify([one.connection, one.subject])),
  ]
}

function shareAKey(one: Candidate, other: Candidate): boolean {
  const keys = new Set(keysOf(one))
  return keysOf(other).some(key => keys.has(key))
}

interface How {
  readonly verdicts: Map<number, Verdict>
  readonly isDryRun: boolean
}

async function importGroup(services: Services, group: readonly Candidate[], how: How): Promise<void> {
  if (group.length === 0) return
  for (let tries = 0; tries < (group.length > 1 ? triesOfGroup : triesOfLine); tries++) {
    const { verdicts, change, derivations } = await judgeGroup(services, group)
    const isDone = change === undefined || how.isDryRun || (await services.store.commit(change)) === 'committed'
    if (!isDone) continue
    if (!how.isDryRun && derivations.length > 0) await keepWork(services, derivations)
    for (const [line, verdict] of verdicts) how.verdicts.set(line, verdict)
    return
  }
  // What stands against one of them is not to hold up the others.
  const [only] = group
  if (group.length > 1) for (const one of group) await importGroup(services, [one], how)
  else if (only) {
    if (!(await beginsLikeAnother(services, only.written.id))) {
      throw new StoreUnavailable('The same rows are being changed by others all the time.')
    }
    const detail = 'id: cannot be stored beside another that begins alike.'
    how.verdicts.set(only.line, refuse('parameter_invalid', { detail }))
  }
}

/** Whether there is a user whose id has the same first half, by which the embedded store tells them apart. */
async function beginsLikeAnother({ store }: Services, id: string | undefined): Promise<boolean> {
  if (id === undefined) return false
  const halfOf = (one: string): bigint => Buffer.from(one, 'base64url').readBigUInt64BE()
  const half = halfOf(id)
  const last = Buffer.alloc(16, 0xff)
  if (half > 0n) last.writeBigUInt64BE(half - 1n)
  const [next] = await store.listUsers({ limit: 1, ...(half > 0n && { after: last.toString('base64url') }) })
  return next !== undefined && halfOf(next.id) === half
}

/**
 * Whoever counts what is left of imported hashes drops the kinds of which there are none. If that was done after we had read what there is, and before ours were there, it
 * is added again. (What is dropped later is counted again by who dropped it.)
 */
async function keepWork(services: Services, derivations: readonly Derivation[]): Promise<void> {
  await decideAndCommit(services, async () => {
    const { issuer, now } = await services.store.loadIssuer()
    const before = issuer.importedWork ?? {}
    const work = derivations.reduce((all, one) => withWork(all, one) ?? all, before)
    if (work === before) return { result: {} }
    const writes: Write[] = [{ table: 'issuer', row: { ...issuer, importedWork: work } }]
    return { result: {}, change: { writes, audit: [], entries: [], durable: true, time: now } }
  })
}

async function judgeGroup(
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
    const made = make(services, candidate, now)
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

function make(
  { random }: Services,
  { written, hash }: Candidate,
  now: Instant,
): { writes: Write[]; audit: AuditRecord } {
  const { email, name, profile, rights, identities, passwordHash } = written
  const [first = null] = identities
  const user = newUser({
    id: written.id ?? makeId(now, random),
    email,
    emailVerifiedAt: written.isEmailVerified ? now : null,
    name,
    profile,
    rights,
    passwordHash,
    firstIdentity: first,
    disabledAt: written.isDisabled ? now : null,
    createdAt: written.createdAt ?? now,
    sealSalt: random(16),
  })
  const facts = {
    by: 'operator',
    imported: true,
    ...(hash !== undefined && { password_hash: hash.scheme }),
    ...(written.isDisabled && { disabled: true }),
    ...(rights.roles.length > 0 && { roles: rights.roles.join(' ') }),
    ...(identities.length > 0 && { connections: identities.map(({ connection }) => connection).join(' ') }),
  }
  return {
    writes: [
      { table: 'user', row: user },
      ...identities.map(one => ({
        table: 'identity' as const,
        row: newIdentity({ ...one, userId: user.id, linkedAt: now }),
      })),
    ],
    audit: { event: 'user.created', time: now, userId: user.id, facts },
  }
}

function outcomeOf(verdicts: ReadonlyMap<number, Verdict>): ImportOutcome {
  const all = [...verdicts.values()]
  const refused = [...verdicts].flatMap(([line, verdict]) =>
    typeof verdict === 'string'
      ? []
      : [{ line, reason: verdict.reason, ...(verdict.detail !== undefined && { detail: verdict.detail }) }],
  )
  return {
    imported: all.filter(one => one === 'imported').length,
    there: all.filter(one => one === 'there').length,
    refused: refused.sort((one, other) => one.line - other.line),
  }
}
