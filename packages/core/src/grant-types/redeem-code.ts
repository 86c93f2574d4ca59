import { createHash, timingSafeEqual } from 'node:crypto'
import { type Refusal, refuse } from '@countersign/protocol'
import { type Change, combine } from '../change.ts'
import type { AuthenticatedClient } from '../clients/client.ts'
import type { RandomBytes } from '../ids.ts'
import { currentEpochs, isOutlived } from '../revocation/epochs.ts'
import { endLogin, sessionIsOver } from '../sessions/end-sessions.ts'
import { openFamily } from '../sessions/open-session.ts'
import type { Device, Family } from '../sessions/session.ts'
import type { CodeSnapshot } from '../snapshots.ts'
import type { AuthorizationCode } from './code.ts'

/** A code lives so long (RFC 6749 §4.1.2 recommends ten minutes at most). */
export const codeLifetimeSeconds = 60

/** Browsers repeat requests: a second redemption within so long is refused, and ends nothing. */
const retryWindowMs = 10_000

/** After so many wrong verifiers a code is burnt: guessing ends. */
const failuresAllowed = 5

/** So many families of one client live in one session, the new one included; the oldest ends. */
const familiesAtMost = 5

export function hashCode(code: string): string {
  return createHash('sha256').update(code).digest('base64url')
}

/** S256 (RFC 7636 §4.6). A verifier of a wrong form is simply wrong. */
export function verifierMatches(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false
  const computed = Buffer.from(createHash('sha256').update(verifier).digest('base64url'))
  const stored = Buffer.from(challenge)
  return computed.length === stored.length && timingSafeEqual(computed, stored)
}

export interface CodeRedemption {
  readonly snapshot: CodeSnapshot
  readonly client: AuthenticatedClient
  readonly redirectUri: string
  readonly verifier: string
  readonly jkt: string | undefined
  readonly device: Device
  readonly random: RandomBytes
}

export interface CodeDecision {
  readonly outcome: { readonly refused?: never; readonly family: Family } | Refusal
  readonly change?: Change
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
  if (!verifierMatches(request.verifier, code.challenge)) {
    const failed = { ...code, failures: code.failures + 1 }
    return { ...no(), change: plain([{ table: 'code', row: failed }], request) }
  }
  if (code.jkt !== null && code.jkt !== request.jkt) return { outcome: refuse('proof_key_mismatch') }
  if (code.usedAt !== null) return usedBefore(request)
  if (now >= code.expiresAt) return no()
  const { issuer, session, user, grant } = snapshot
  const authorities = { ...currentEpochs({ issuer, user, client, grant }), all: code.epochs.all }
  if (client.disabled || isOutlived(code.epochs, authorities)) return no()
  if (sessionIsOver(session, { now, issuer, user }) !== undefined) return no()
  const opened = openFamily({ ...request, session, user, grant, ...asAsked(code) })
  const used = { ...code, usedAt: now, familyId: opened.family.id }
  const change = plain([{ table: 'code', row: used }, ...opened.writes], request)
  const whole = { ...change, audit: [opened.audit], durable: true }
  return { outcome: { family: opened.family }, change: combine(whole, ...endOldest(request)) }
}

/** What the authorization request has settled. */
function asAsked({ scope, audiences, claims }: AuthorizationCode): Pick<Family, 'scope' | 'audiences' | 'claims'> {
  return { scope, audiences, claims }
}

/** Makes room for one more. What a browser has forgotten goes first: its tabs share one family, which they renew. */
function endOldest({ snapshot, device }: CodeRedemption): Change[] {
  const oldestFirst = snapshot.siblings.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
  const surplus = oldestFirst.slice(0, Math.max(0, oldestFirst.length - familiesAtMost + 1))
  return surplus.flatMap(family => endLogin({ ...snapshot, family }, 'superseded', { device }) ?? [])
}

function no(): { outcome: Refusal } {
  return { outcome: refuse('code_invalid') }
}

/** RFC 6749 §4.1.2: a code used twice has been stolen, and what it gave ends; unless a browser merely repeated itself. */
function usedBefore(request: CodeRedemption): CodeDecision {
  const { snapshot } = request
  const { now, code, family } = snapshot
  if (code.usedAt !== null && now - code.usedAt < retryWindowMs) return no()
  const end = family && endLogin({ ...snapshot, family }, 'code_reused', { device: request.device })
  if (end === undefined) return { outcome: refuse('code_reused') }
  const audit = end.audit.map(record => ({ ...record, event: 'code.reused' as const }))
  return { outcome: refuse('code_reused'), change: combine({ ...end, audit }) }
}

function plain(writes: Change['writes'], request: CodeRedemption): Change {
  return { writes, audit: [], entries: [], durable: false, time: request.snapshot.now }
}
