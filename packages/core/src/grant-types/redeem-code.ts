import { hash, timingSafeEqual } from 'node:crypto'
import { type Refusal, refuse } from '@countersign/protocol'
import { type Change, combine } from '../change.ts'
import { type AuthenticatedClient, type Client, needsGrant } from '../clients/client.ts'
import { stillAllowed } from '../clients/scope.ts'
import { type LivingLogin, renewGrant } from '../grants/end-grant.ts'
import type { Grant } from '../grants/grant.ts'
import type { RandomBytes } from '../ids.ts'
import { currentEpochs, isOutlived } from '../revocation/epochs.ts'
import { endLogin, sessionIsOver } from '../sessions/end-sessions.ts'
import { openFamily, openOfflineLogin } from '../sessions/open-session.ts'
import { type Device, type Family, isUnused, type Session } from '../sessions/session.ts'
import type { CodeSnapshot } from '../snapshots.ts'
import type { AuthorizationCode } from './code.ts'

/** A code lives so long (RFC 6749 §4.1.2 recommends ten minutes at most). */
export const codeLifetimeSeconds = 60

/** Browsers repeat requests: a second redemption within so long is refused, and ends nothing. */
const retryWindowMs = 10_000

/** After so many wrong verifiers a code is burnt: guessing ends. */
const failuresAllowed = 5

/** So many families of one client live in one session, the new one included; one ends. */
const familiesAtMost = 5

/** So many offline logins one client holds of one user, the new one included; one ends. */
const offlineLoginsAtMost = 20

/** S256 (RFC 7636 §4.6). A verifier of a wrong form is simply wrong. */
export function verifierMatches(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false
  const computed = Buffer.from(hash('sha256', verifier, 'base64url'))
  const stored = Buffer.from(challenge)
  return computed.length === stored.length && timingSafeEqual(computed, stored)
}

export interface CodeRedemption {
  readonly snapshot: CodeSnapshot
  readonly client: AuthenticatedClient
  readonly redirectUri: string
  /** Absent: none was sent. */
  readonly verifier: string | undefined
  readonly jkt: string | undefined
  readonly device: Device
  readonly random: RandomBytes
  /** The user's living logins; looked at where `needsLogins` says so. */
  readonly logins: readonly LivingLogin[]
}

export interface CodeDecision {
  readonly outcome: RedeemedCode | Refusal
  readonly change?: Change
}

/** What the code gave, as it is once committed. */
export interface RedeemedCode {
  readonly refused?: never
  readonly session: Session
  readonly family: Family
  readonly grant: Grant | undefined
}

/** Whether what the code gives depends on the user's other logins. */
export function needsLogins({ code, client }: Pick<CodeSnapshot, 'code' | 'client'>): boolean {
  return client.oneAuthorizationPerUser || isOffline(code, client)
}

/** Offline access is a refresh token that outlives the browser's session: nothing to a client that may have none. */
function isOffline(code: AuthorizationCode, client: Client): boolean {
  const { scope } = stillAllowed(code, client)
  return scope.split(' ').includes('offline_access') && client.grantTypes.includes('refresh_token')
}

/**
 * Judges a presented code (RFC 6749 §4.1.3, RFC 7636 §4.6). Client, redirect URI and verifier first: whoever lacks one of
 * them learns and ends nothing. Single use is the code's version: of fifty redeemers one commits.
 */
export function redeemCode(request: CodeRedemption): CodeDecision {
  const { snapshot, client } = request
  const { code, now } = snapshot
  if (code.clientId !== client.id || code.redirectUri !== request.redirectUri) return no()
  if (code.failures >= failuresAllowed) return no()
  const wrong = judgeVerifier(request)
  if (wrong !== undefined) return wrong
  if (code.jkt !== null && code.jkt !== request.jkt) return { outcome: refuse('proof_key_mismatch') }
  if (code.usedAt !== null) return usedBefore(request)
  if (now >= code.expiresAt) return no()
  const { issuer, session, user, grant } = snapshot
  const authorities = { ...currentEpochs({ issuer, user, client, grant }), all: code.epochs.all }
  if (client.disabled || isOutlived(code.epochs, authorities)) return no()
  if (needsGrant(client) && grant?.withdrawnAt !== null) return no()
  if (sessionIsOver(session, { now, issuer, user }) !== undefined) return no()
  return open(request)
}

function open(request: CodeRedemption): CodeDecision {
  const { snapshot, client, device } = request
  const { now, code, session, user } = snapshot
  const renewed =
    client.oneAuthorizationPerUser && snapshot.grant
      ? renewGrant({ ...request, grant: snapshot.grant, actor: { device } })
      : undefined
  const grant = renewed?.grant ?? snapshot.grant
  const wanted = { ...request, session, user, grant, ...asAsked(code, client) }
  const opened = isOffline(code, client) ? openOfflineLogin(wanted) : openFamily(wanted)
  const used = { ...code, usedAt: now, familyId: opened.family.id }
  const whole: Change = {
    ...plain([{ table: 'code', row: used }, ...opened.writes], request),
    audit: opened.audit,
    durable: true,
  }
  const outcome = { session: opened.session, family: opened.family, grant }
  const ends = renewed ? [renewed.change] : endLeastUsed(request, opened.session === session ? inBrowser : offline)
  return { outcome, change: combine(whole, ...ends) }
}

/**
 * RFC 7636 §4.6. Who sent a challenge must show its verifier, and who shows a verifier must have sent a challenge: else an attacker could take the challenge out of
 * the victim's request (RFC 9700 §4.8.2).
 */
function judgeVerifier(request: CodeRedemption): CodeDecision | undefined {
  const { code } = request.snapshot
  const { verifier } = request
  if (code.challenge === null) return verifier === undefined ? undefined : no()
  if (verifier === undefined) {
    return { outcome: refuse('parameter_missing', { detail: "The parameter 'code_verifier' is missing." }) }
  }
  if (verifierMatches(verifier, code.challenge)) return undefined
  const failed = { ...code, failures: code.failures + 1 }
  return { ...no(), change: plain([{ table: 'code', row: failed }], request) }
}

/** What the authorization request has settled, as far as the client may still have it. */
function asAsked(code: AuthorizationCode, client: Client): Settled {
  return { ...stillAllowed(code, client), claims: code.claims, authentication: code.authentication }
}

type Settled = Pick<Family, 'scope' | 'audiences' | 'claims' | 'authentication'>

interface Room {
  readonly most: number
  readonly taken: (request: CodeRedemption) => readonly LivingLogin[]
}

const inBrowser: Room = {
  most: familiesAtMost,
  taken: ({ snapshot }) => snapshot.siblings.map(family => ({ session: snapshot.session, families: [family] })),
}

const offline: Room = {
  most: offlineLoginsAtMost,
  taken: ({ client, logins }) => logins.filter(({ session }) => session.clientId === client.id),
}

/** Makes room for one more: what was never refreshed goes first, and else what was used longest ago. So lost answers do not end the login that is in use. */
function endLeastUsed(request: CodeRedemption, room: Room): Change[] {
  const { snapshot, device } = request
  const taken = room.taken(request).flatMap(({ session, families }) => families.map(family => ({ session, family })))
  const leastUsedFirst = taken.toSorted(
    ({ family: a }, { family: b }) =>
      Number(isUnused(b)) - Number(isUnused(a)) || a.rotatedAt - b.rotatedAt || (a.id < b.id ? -1 : 1),
  )
  const surplus = leastUsedFirst.slice(0, Math.max(0, taken.length - room.most + 1))
  return surplus.flatMap(login => endLogin({ ...snapshot, ...login }, 'superseded', { device }) ?? [])
}

function no(): { outcome: Refusal } {
  return { outcome: refuse('code_invalid') }
}

/** RFC 6749 §4.1.2: a code used twice has been stolen, and what it gave ends; unless a browser merely repeated itself. */
function usedBefore(request: CodeRedemption): CodeDecision {
  const { snapshot } = request
  const { now, code, given } = snapshot
  if (code.usedAt !== null && now - code.usedAt < retryWindowMs) return no()
  const end = given && endLogin(given, 'code_reused', { device: request.device })
  if (end === undefined) return { outcome: refuse('code_reused') }
  const audit = end.audit.map(record => ({ ...record, event: 'code.reused' as const }))
  return { outcome: refuse('code_reused'), change: combine({ ...end, audit }) }
}

function plain(writes: Change['writes'], request: CodeRedemption): Change {
  return { writes, audit: [], entries: [], durable: false, time: request.snapshot.now }
}
