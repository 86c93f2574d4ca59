import type { Write } from '@countersign/core'
import { isRefusal, type Reason, type Refusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import type { Derivation } from '../passwords/imported-hash.ts'
import { withWork } from '../passwords/imported-work.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { type Candidate, readCandidate, shareAKey } from './candidate.ts'
import { judgeGroup, type Verdict } from './judge-group.ts'

/** A line of the file, by its number. */
export interface ImportLine {
  readonly line: number
  readonly text: string
}

/** What became of some lines. */
export interface ImportOutcome {
  readonly imported: number
  /** Of them, those with neither an id nor an identity: once they are deleted, or have another address, the same line makes them again. */
  readonly nameless: number
  /** Of users who are there already: left as they are. */
  readonly there: number
  readonly refused: readonly RefusedLine[]
}

export interface RefusedLine {
  readonly line: number
  readonly reason: Reason
  readonly detail?: string
}

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
  const read = lines.map(({ line, text }) => ({ line, candidate: readCandidate(services, line, text, now) }))
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
  const nameless = new Set(read.flatMap(({ line, candidate }) => (isNameless(candidate) ? [line] : [])))
  return outcomeOf(verdicts, nameless)
}

function isNameless(candidate: Candidate | Refusal): boolean {
  if (isRefusal(candidate)) return false
  return candidate.written.id === undefined && candidate.written.identities.length === 0
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

function outcomeOf(verdicts: ReadonlyMap<number, Verdict>, nameless: ReadonlySet<number>): ImportOutcome {
  const all = [...verdicts.values()]
  const refused = [...verdicts].flatMap(([line, verdict]) =>
    typeof verdict === 'string'
      ? []
      : [{ line, reason: verdict.reason, ...(verdict.detail !== undefined && { detail: verdict.detail }) }],
  )
  return {
    imported: all.filter(one => one === 'imported').length,
    nameless: [...verdicts].filter(([line, verdict]) => verdict === 'imported' && nameless.has(line)).length,
    there: all.filter(one => one === 'there').length,
    refused: refused.sort((one, other) => one.line - other.line),
  }
}
