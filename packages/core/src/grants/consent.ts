import type { AuditRecord } from '../audit/audit.ts'
import type { Write } from '../change.ts'
import { type Client, isPublic } from '../clients/client.ts'
import type { Instant } from '../ids.ts'
import { personalOf } from '../sessions/end-sessions.ts'
import type { Device } from '../sessions/session.ts'
import type { User } from '../users/user.ts'
import type { Grant } from './grant.ts'

/** What a client asks a user for. */
export interface Asked {
  /** The words of a scope (RFC 6749 §3.3). */
  readonly scopes: readonly string[]
  /** The APIs (RFC 8707). */
  readonly audiences: readonly string[]
}

export type ConsentDecision =
  | { readonly asks: false }
  /** `added` is what the user has not allowed yet, `known` what they have. */
  | { readonly asks: true; readonly added: Asked; readonly known: Asked }

/**
 * Whether the user has to be asked: less than the grant says is theirs to have at once, more is asked for, and only the difference is new.
 * `prompt=consent` always asks; who is trusted (`implied`) never has to. A public client that comes back to an address which any app could have claimed is
 * asked for every time, since another could be pretending to be it (RFC 8252 §8.6).
 */
export function judgeConsent(request: {
  client: Client
  redirectUri: string
  grant: Grant | undefined
  asked: Asked
  prompted: boolean
}): ConsentDecision {
  const { client, redirectUri, asked } = request
  if (client.consent === 'implied') return { asks: false }
  const grant = request.grant?.withdrawnAt === null ? request.grant : undefined
  const added = without(asked, grant)
  const isWider = grant === undefined || added.scopes.length > 0 || added.audiences.length > 0
  if (!isWider && !request.prompted && identityIsAssured(client, redirectUri)) return { asks: false }
  return { asks: true, added, known: without(asked, added) }
}

function without(asked: Asked, known: Asked | undefined): Asked {
  return {
    scopes: asked.scopes.filter(scope => !known?.scopes.includes(scope)),
    audiences: asked.audiences.filter(audience => !known?.audiences.includes(audience)),
  }
}

/** It has a secret to show, or an address that is its alone. */
function identityIsAssured(client: Client, redirectUri: string): boolean {
  return !isPublic(client) || redirectUri.startsWith('https:')
}

/**
 * The grant once the user has allowed what is asked: added to what stands, or in the place of what was withdrawn. Its epoch stays: what the user
 * allowed before is worth no less. The user's row is written too: what takes everything back lists what stands, and nothing may be allowed beside it.
 */
export function allowGrant(request: {
  now: Instant
  user: User
  client: Client
  grant: Grant | undefined
  asked: Asked
  device: Device
  /** The session in which they said so, if it was one of the hosted pages. */
  sessionId?: string
}): { grant: Grant; writes: readonly Write[]; audit: AuditRecord } {
  const { now, user, client, grant: before, asked } = request
  const standing = before?.withdrawnAt === null ? before : undefined
  const grant: Grant = {
    userId: user.id,
    clientId: client.id,
    scopes: union(standing?.scopes, asked.scopes),
    audiences: union(standing?.audiences, asked.audiences),
    createdAt: before?.createdAt ?? now,
    allowedAt: now,
    withdrawnAt: null,
    epoch: before?.epoch ?? 1,
    version: before?.version ?? 0,
  }
  const audit: AuditRecord = {
    event: 'grant.allowed',
    time: now,
    userId: user.id,
    clientId: client.id,
    ...(request.sessionId !== undefined && { sessionId: request.sessionId }),
    facts: { scope: asked.scopes.join(' '), implied: client.consent === 'implied' },
    ...personalOf(request.device),
  }
  const writes: Write[] = [
    { table: 'grant', row: grant },
    { table: 'user', row: user },
  ]
  return { grant, writes, audit }
}

function union(some: readonly string[] = [], more: readonly string[]): readonly string[] {
  return [...new Set([...some, ...more])]
}

/** True if there is nothing to write: what is asked is in the grant. */
export function grantCovers(grant: Grant | undefined, asked: Asked): grant is Grant {
  if (grant === undefined || grant.withdrawnAt !== null) return false
  const { scopes, audiences } = without(asked, grant)
  return scopes.length === 0 && audiences.length === 0
}
