import { type Epochs, type Refusal, refuse } from '@countersign/protocol'
import type { AuditEvent, AuditRecord } from '../audit/audit.ts'
import type { Change } from '../change.ts'
import { type AuthenticatedClient, showsFreshProof } from '../clients/client.ts'
import { currentEpochs, isOutlived } from '../revocation/epochs.ts'
import { endLogin, personalOf } from '../sessions/end-sessions.ts'
import { type Device, type Family, isBound } from '../sessions/session.ts'
import type { FamilySnapshot } from '../snapshots.ts'
import { macMatches, type OpenedRefreshToken } from '../tokens/refresh-token.ts'
import { mayUse } from '../users/user.ts'

/** The rows of the decision table, by number (docs/refresh.md). */
export type RefreshRow = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10

/** What to answer when the refresh is allowed. */
export interface RefreshAnswer {
  readonly refused?: never
  /** The family as it will be once the change is committed. */
  readonly family: Family
  /**
   * The generation of the refresh token in the answer; absent: the token that was presented stays the current one
   * and is not said again (RFC 6749 §6 allows it), so that an old answer that arrives late overwrites nothing.
   */
  readonly generation?: number
}

export interface RefreshDecision {
  readonly row: RefreshRow
  readonly outcome: RefreshAnswer | Refusal
  /** What must be committed before the answer goes out. */
  readonly change?: Change
}

/** What is judged. `client` has authenticated; `jkt` is the key of a proof that was checked against this request. */
export interface RefreshRequest {
  readonly token: OpenedRefreshToken
  readonly snapshot: FamilySnapshot
  readonly client: AuthenticatedClient
  readonly jkt: string | undefined
  readonly device: Device
}

const creditReturnsAfterRotations = 8
const flagsAtMostEveryMs = 3_600_000

/**
 * Judges a presented refresh token: generation g, the family being at c. The order is the rule: secret first, client and
 * proof second, state third. So a guess touches nothing, a leak ends nothing, and only a token that we made, in the
 * hands of its client, can be reuse.
 *
 * Pure: the clock is the store's, in the snapshot; on `'conflict'` load again and ask again.
 */
export function redeemRefreshToken(request: RefreshRequest): RefreshDecision {
  return judgeHolder(request) ?? judgeAuthorisation(request) ?? judgeGeneration(request)
}

/**
 * Rows 1 and 2, for whatever else can be asked with a refresh token: `undefined` if we made it and it is in the right
 * hands.
 */
export function judgeHolder(request: RefreshRequest): RefreshDecision | undefined {
  return judgeSecret(request) ?? judgePossession(request)
}

/** Whether a refresh token is the current one of a login that stands; nothing is decided by asking. */
export function refreshTokenStands(token: OpenedRefreshToken, snapshot: FamilySnapshot): boolean {
  const isCurrent = token.generation >= snapshot.family.generation
  return macMatches(token, snapshot.family.salt) && isCurrent && judgeAuthorisation({ token, snapshot }) === undefined
}

/** Row 1: whatever the tag says, without the family's salt nobody made this token. */
function judgeSecret({ token, snapshot }: RefreshRequest): RefreshDecision | undefined {
  return macMatches(token, snapshot.family.salt) ? undefined : { row: 1, outcome: refuse('refresh_token_invalid') }
}

/** Row 2: the token is real and in the wrong hands. The family lives: a thief without the key logs nobody out. */
function judgePossession(request: RefreshRequest): RefreshDecision | undefined {
  const { family } = request.snapshot
  if (family.clientId !== request.client.id) return leaked(request, refuse('client_mismatch'))
  if (family.jkt === null || family.jkt === request.jkt) return undefined
  return leaked(request, refuse(request.jkt === undefined ? 'proof_required' : 'proof_key_mismatch'))
}

function leaked(request: RefreshRequest, outcome: Refusal): RefreshDecision {
  const change = flag(request, request.snapshot.family, 'refresh.leaked', { reason: outcome.reason })
  return { row: 2, outcome, ...(change && { change }) }
}

/** Row 3: what the family was authorised under must still stand. */
function judgeAuthorisation({
  token,
  snapshot,
}: Pick<RefreshRequest, 'token' | 'snapshot'>): RefreshDecision | undefined {
  const { now, issuer, family, session, user, client, grant } = snapshot
  const no = (reason: Parameters<typeof refuse>[0]): RefreshDecision => ({ row: 3, outcome: refuse(reason) })
  if (family.endedAt !== null || session.endedAt !== null) {
    const reason = family.endReason ?? session.endReason
    if (reason === 'grant_withdrawn') return no('authorization_revoked')
    return no(reason === 'refresh_token_reused' ? 'refresh_token_reused' : 'session_ended')
  }
  if (!mayUse(user)) return no('user_disabled')
  // The epoch `all` is not asked, of either: it renews every access token and logs nobody out. A session may be from before a restore, and a login in it from after it.
  const authorities = currentEpochs({ issuer, user, client, grant })
  const isOver = (under: Epochs): boolean => isOutlived(under, { ...authorities, all: under.all })
  if (client.disabled || isOver(family.epochs) || isOver(session.epochs)) {
    return no('authorization_revoked')
  }
  // What let the login go on without its user has been taken from the client (GHSA-895x-rfqp-jh5c).
  const wasOffline = family.scope.split(' ').includes('offline_access')
  if (wasOffline && !client.scopes.includes('offline_access')) return no('authorization_revoked')
  const idleSince = Math.max(family.rotatedAt, issuer.restoredAt ?? 0)
  // A token that is ahead of the store shows a use that the store has forgotten.
  const forgottenMs = token.generation > family.generation ? forgetsAtMostMs(snapshot) : 0
  if (now - idleSince >= client.lifetimes.idleSeconds * 1000 + forgottenMs) return no('session_idle_expired')
  if (now >= family.absoluteEndAt || now >= session.absoluteEndAt) return no('session_expired')
  return undefined
}

/** Rows 4 to 10: which generation is it, how old is the current one, and is the family bound? */
function judgeGeneration(request: RefreshRequest): RefreshDecision {
  const { token, snapshot } = request
  const { now, family, client } = snapshot
  const { graceSeconds, minimumLifeSeconds, minimumLifeBoundSeconds } = client.refresh
  // An assertion is made anew for each request, by a key that never travels: as good as a DPoP proof. A secret comes with the token.
  const bound = isBound(family) || showsFreshProof(request.client)
  // A clock that was set back must not make a rotation look older than it is, nor younger than new.
  const ageSeconds = Math.max(0, now - family.rotatedAt) / 1000

  if (token.generation > family.generation) {
    // One generation ahead is what a crash costs an unbound family at most, since H is longer than what it forgets.
    const lostByCrash = token.generation === family.generation + 1
    return bound || lostByCrash || !usedSinceRestore(snapshot) ? fastForward(request) : reuse(request)
  }

  if (token.generation === family.generation) {
    return ageSeconds >= (bound ? minimumLifeBoundSeconds : minimumLifeSeconds) ? rotate(request) : unchanged(request)
  }
  if (bound) return replayBound(request)
  if (token.generation === family.generation - 1) {
    if (ageSeconds < graceSeconds) return replay(8, family)
    if (creditIsThere(family)) return spendCredit(request)
  }
  return reuse(request)
}

/** Row 4: only we can have made a token of a later generation, so the store has forgotten; believe the token. */
function fastForward(request: RefreshRequest): RefreshDecision {
  const { now, family: stored } = request.snapshot
  const family = { ...stored, generation: request.token.generation, rotatedAt: now }
  const facts = { from: stored.generation, to: family.generation }
  const change = auditedWrite(request, family, 'refresh.fast_forwarded', facts, isLongSinceUse(request.snapshot))
  return { row: 4, outcome: unchangedAnswer(request, family), change }
}

/** Two hands hold tokens later than the backup, and only one of them can be the client's. */
function usedSinceRestore({ issuer, family }: FamilySnapshot): boolean {
  return issuer.restoredAt !== null && family.createdAt <= issuer.restoredAt && family.rotatedAt > issuer.restoredAt
}

/** Row 5. Seldom durable: if the store forgets it, row 4 repairs that. */
function rotate(request: RefreshRequest): RefreshDecision {
  const { snapshot } = request
  const { now, family } = snapshot
  const generation = family.generation + 1
  const rotated = { ...family, generation, rotatedAt: now, creditSpentAt: creditAfter(family, generation) }
  return { row: 5, outcome: { family: rotated, generation }, change: plainWrite(request, rotated) }
}

/** Row 6: the loser of a race, a second tab, a hasty client. Nothing is written. */
function unchanged(request: RefreshRequest): RefreshDecision {
  return { row: 6, outcome: unchangedAnswer(request, request.snapshot.family) }
}

function unchangedAnswer(request: RefreshRequest, family: Family): RefreshAnswer {
  return { family, ...(request.snapshot.client.refresh.repeatsUnchanged && { generation: family.generation }) }
}

/** Row 7: the fresh proof shows the holder of the key, however late. Two generations back is worth a flag. */
function replayBound(request: RefreshRequest): RefreshDecision {
  const { family, client } = request.snapshot
  const behind = family.generation - request.token.generation
  if (behind === 1) return { ...replay(7, family), ...noteLateRepeat(request) }
  if (client.refresh.flaggedReplayEndsFamily) {
    const change = endLogin(request.snapshot, 'replay_flagged', { device: request.device })
    return { row: 7, outcome: refuse('session_ended'), ...(change && { change }) }
  }
  return { ...replay(7, family), ...flagReplay(request, noteUse(request.snapshot), behind) }
}

/**
 * Two hands with one key, turn by turn, are never two generations apart: one rotates, and the other repeats the predecessor, late, in every generation. A lost answer
 * looks the same, once. So it is written down, and flagged if it happens in two generations in a row; which ends nothing, since a connection may be as bad as that.
 */
function noteLateRepeat(request: RefreshRequest): { change?: Change } {
  const { now, family, client } = request.snapshot
  const used = noteUse(request.snapshot)
  const isLate = now - family.rotatedAt >= client.refresh.graceSeconds * 1000
  if (!isLate || family.creditSpentAt === family.generation) return used ? { change: plainWrite(request, used) } : {}
  const noted = { ...(used ?? family), creditSpentAt: family.generation }
  if (family.creditSpentAt !== family.generation - 1) return { change: plainWrite(request, noted) }
  return flagReplay(request, noted, 1)
}

/** `changed`: what has to be written of the family besides. */
function flagReplay(request: RefreshRequest, changed: Family | undefined, behind: number): { change?: Change } {
  const { family } = request.snapshot
  const flagged = flag(
    request,
    changed ?? family,
    'refresh.replay_flagged',
    { behind },
    isLongSinceUse(request.snapshot),
  )
  const change = flagged ?? (changed && plainWrite(request, changed))
  return change ? { change } : {}
}

/**
 * A client that cannot keep what it is given presents an old token for ever: that is use, and must not run into the idle
 * limit. Written down a few times in each idle period, no more.
 */
function noteUse({ now, family, client }: FamilySnapshot): Family | undefined {
  const isDue = now - family.rotatedAt >= (client.lifetimes.idleSeconds * 1000) / 4
  return isDue ? { ...family, rotatedAt: now } : undefined
}

function replay(row: 7 | 8, family: Family): RefreshDecision {
  return { row, outcome: { family, generation: family.generation } }
}

/** Row 9: one late retry is forgiven, and seen. */
function spendCredit(request: RefreshRequest): RefreshDecision {
  const { now, family: stored } = request.snapshot
  const family = { ...stored, rotatedAt: now, creditSpentAt: stored.generation }
  const change = auditedWrite(request, family, 'refresh.credit_spent', { generation: stored.generation }, true)
  return { row: 9, outcome: { family, generation: family.generation }, change }
}

function creditIsThere(family: Family): boolean {
  return family.creditSpentAt === null
}

function creditAfter(family: Family, generation: number): number | null {
  const spent = family.creditSpentAt
  return spent !== null && generation - spent >= creditReturnsAfterRotations ? null : spent
}

/** Row 10: two hands hold this login, and no proof tells them apart. It ends before the answer goes out. */
function reuse(request: RefreshRequest): RefreshDecision {
  const { snapshot, device, token } = request
  const wholeSession = snapshot.client.refresh.reuseEndsSession
  const end = endLogin(snapshot, 'refresh_token_reused', { device, wholeSession })
  const facts = { presented: token.generation, current: snapshot.family.generation, ended: end?.audit[0]?.event ?? '' }
  const change = end && { ...end, audit: [record(request, 'refresh.reused', facts)] }
  return { row: 10, outcome: refuse('refresh_token_reused'), ...(change && { change }) }
}

/** Where a family keeps when each was audited last. */
const lastFlagged = { 'refresh.leaked': 'leakedAt', 'refresh.replay_flagged': 'flaggedAt' } as const

/** An audit row of each kind at most once per family and hour: a leaked token must not fill the log. Neither silences the other, or a noise would hide what is done beside it. */
function flag(
  request: RefreshRequest,
  family: Family,
  event: keyof typeof lastFlagged,
  facts: AuditRecord['facts'],
  durable = false,
): Change | undefined {
  const { now } = request.snapshot
  const last = family[lastFlagged[event]]
  if (last !== null && now - last < flagsAtMostEveryMs) return undefined
  return auditedWrite(request, { ...family, [lastFlagged[event]]: now }, event, facts, durable)
}

function plainWrite({ snapshot }: RefreshRequest, family: Family): Change {
  const durable = isLongSinceUse(snapshot)
  return { writes: [{ table: 'family', row: family }], audit: [], entries: [], durable, time: snapshot.now }
}

/** The first use in a while is durable: to forget it would make the login look idle for so long, and its next use might come too late. */
function isLongSinceUse(snapshot: FamilySnapshot): boolean {
  return snapshot.now - snapshot.family.rotatedAt >= forgetsAtMostMs(snapshot)
}

/** So much younger than the store knows the last use can be, at most. Of thirty days a day; what is refreshed more often is seldom waited for. */
function forgetsAtMostMs({ client }: FamilySnapshot): number {
  return (client.lifetimes.idleSeconds * 1000) / 30
}

function auditedWrite(
  request: RefreshRequest,
  family: Family,
  event: AuditEvent,
  facts: AuditRecord['facts'],
  durable: boolean,
): Change {
  return {
    writes: [{ table: 'family', row: family }],
    audit: [record(request, event, facts)],
    entries: [],
    durable,
    time: request.snapshot.now,
  }
}

function record(request: RefreshRequest, event: AuditEvent, facts: AuditRecord['facts']): AuditRecord {
  const { now, family, session } = request.snapshot
  return {
    event,
    time: now,
    userId: family.userId,
    clientId: request.client.id,
    sessionId: session.id,
    familyId: family.id,
    ...(facts && { facts }),
    ...personalOf(request.device),
  }
}
