import type { AuditRecord } from '../audit/audit.ts'
import type { Change, Write } from '../change.ts'
import type { Client } from '../clients/client.ts'
import type { Grant } from '../grants/grant.ts'
import { type Instant, makeId, type RandomBytes } from '../ids.ts'
import { currentEpochs } from '../revocation/epochs.ts'
import type { FamilySnapshot, SessionOnlySnapshot, Snapshot } from '../snapshots.ts'
import type { ClaimsRequest } from '../tokens/claims-request.ts'
import { tellsUserId } from '../tokens/subject.ts'
import type { User } from '../users/user.ts'
import { authenticationOf } from './authentication.ts'
import { endLogin, personalOf } from './end-sessions.ts'
import type { Authentication, Device, Family, Session } from './session.ts'

/** Half of a refresh token's or cookie's secret. */
const saltBytes = 16

/** The hosted pages' sessions: as long as the longest login by default. */
export const browserSessionSeconds: number = 180 * 86_400

interface LoginRequest {
  readonly snapshot: Snapshot
  readonly user: User
  readonly device: Device
  /** RFC 8176: how the user proved who they are. */
  readonly amr: readonly string[]
  /** When they did, if it was not just now. */
  readonly authenticatedAt?: Instant
  readonly random: RandomBytes
}

/** A login that an app did itself (direct or trusted): a session and its one family, durable. */
export function openLogin(
  request: LoginRequest & {
    client: Client
    /** What it is authorised under, if the client needs one. */
    grant?: Grant | undefined
    scope: string
    /** By default all of the client's. */
    audiences?: readonly string[]
    jkt: string | undefined
    /** An earlier login of the same install: it ends in the same commit, and a thief of it is out. */
    superseded?: FamilySnapshot | undefined
  },
): { session: Session; family: Family; change: Change } {
  const { snapshot, client } = request
  const session = newSession(request, client.id, snapshot.now + client.lifetimes.absoluteSeconds * 1000, null)
  const family = newFamily({ ...request, session })
  const end = request.superseded && endLogin(request.superseded, 'superseded', { device: request.device })
  return {
    session,
    family,
    change: {
      writes: [
        ...(end?.writes ?? []),
        { table: 'session', row: session },
        { table: 'family', row: family },
        ...birthGuard(request),
      ],
      entries: end?.entries ?? [],
      audit: [...(end?.audit ?? []), sessionCreated(request, session, client.id)],
      durable: true,
      time: snapshot.now,
    },
  }
}

/** A login on the hosted pages: a session with a cookie; families join it by authorization codes. */
export function openBrowserSession(request: LoginRequest): { session: Session; change: Change } {
  const { snapshot } = request
  const absoluteEndAt = snapshot.now + browserSessionSeconds * 1000
  const session = newSession(request, null, absoluteEndAt, request.random(saltBytes))
  return {
    session,
    change: {
      writes: [{ table: 'session', row: session }],
      entries: [],
      audit: [sessionCreated(request, session)],
      durable: true,
      time: snapshot.now,
    },
  }
}

/**
 * The user has signed in again in the same browser: the session goes on, so that the applications in it do too, under a new secret for the cookie. A copy of
 * the old cookie is worth nothing any more (CVE-2022-25896).
 */
export function renewBrowserSession(
  earlier: SessionOnlySnapshot,
  request: Pick<LoginRequest, 'device' | 'amr' | 'random'>,
): { session: Session; change: Change } {
  const { now, issuer, user } = earlier
  const { device, amr } = request
  const session: Session = {
    ...earlier.session,
    authenticatedAt: now,
    amr,
    device: { label: device.label, ip: device.ip },
    cookieSalt: request.random(saltBytes),
    absoluteEndAt: now + browserSessionSeconds * 1000,
    epochs: currentEpochs({ issuer, user }),
  }
  const audit: AuditRecord = {
    event: 'session.reauthenticated',
    time: now,
    userId: user.id,
    sessionId: session.id,
    facts: { amr: amr.join(' ') },
    ...personalOf(device),
  }
  const writes: Write[] = [{ table: 'session', row: session }]
  return { session, change: { writes, entries: [], audit: [audit], durable: true, time: now } }
}

/** What a redeemed code gives. */
export interface OpenedLogin {
  readonly session: Session
  readonly family: Family
  readonly writes: readonly Write[]
  readonly audit: readonly AuditRecord[]
}

/**
 * A client joins the browser's session, and ends with it. The session's row is written too: whoever ends all others keeps the families that are in this one by then, and whoever ends
 * this one tells the names that clients know it by. So none may join beside that, and one of the two is a conflict.
 */
export function openFamily(request: FamilyRequest & { device: Device }): OpenedLogin {
  const family = newFamily(request)
  return {
    session: request.session,
    family,
    writes: [{ table: 'family', row: family }, { table: 'session', row: request.session }, ...birthGuard(request)],
    audit: [familyCreated(request, family)],
  }
}

/**
 * Offline access (OpenID Connect Core §11): a session of the client's own, which outlives the browser's. It is known by the device on which the user
 * allowed it.
 */
export function openOfflineLogin(request: FamilyRequest & { device: Device }): OpenedLogin {
  const { snapshot, session: browser, user, client, random } = request
  const { at, amr } = request.authentication ?? authenticationOf(browser)
  const absoluteEndAt = snapshot.now + client.lifetimes.absoluteSeconds * 1000
  const login = { snapshot, user, device: browser.device, amr, authenticatedAt: at, random }
  const session = newSession(login, client.id, absoluteEndAt, null)
  const family = newFamily({ ...request, session, authentication: null })
  const created = sessionCreated(login, session, client.id)
  return {
    session,
    family,
    writes: [{ table: 'session', row: session }, { table: 'family', row: family }, ...birthGuard(request)],
    audit: [{ ...created, familyId: family.id, facts: { ...created.facts, offline: true } }],
  }
}

function familyCreated(request: FamilyRequest & { device: Device }, family: Family): AuditRecord {
  return {
    event: 'family.created',
    time: request.snapshot.now,
    userId: family.userId,
    clientId: family.clientId,
    sessionId: family.sessionId,
    familyId: family.id,
    ...personalOf(request.device),
  }
}

/**
 * Where tokens do not tell the user's epoch, raising it ends the families that are there by name. So none may be born beside that: the user's row is
 * written too, and one of the two is a conflict.
 */
function birthGuard({ client, user }: { client: Client; user: User }): Write[] {
  return tellsUserId(client) ? [] : [{ table: 'user', row: user }]
}

function newSession(
  request: LoginRequest,
  clientId: string | null,
  absoluteEndAt: number,
  cookieSalt: Buffer | null,
): Session {
  const { snapshot, user, random, device, amr } = request
  return {
    id: makeId(snapshot.now, random),
    userId: user.id,
    clientId,
    createdAt: snapshot.now,
    authenticatedAt: request.authenticatedAt ?? snapshot.now,
    amr,
    device,
    cookieSalt,
    absoluteEndAt,
    epochs: currentEpochs({ issuer: snapshot.issuer, user }),
    endedAt: null,
    endReason: null,
    version: 0,
  }
}

interface FamilyRequest {
  readonly snapshot: Snapshot
  readonly session: Session
  readonly user: User
  readonly client: Client
  /** What it is authorised under, if the client needs one. */
  readonly grant?: Grant | undefined
  readonly scope: string
  /** By default all of the client's. */
  readonly audiences?: readonly string[]
  readonly claims?: ClaimsRequest | null
  /** What its tokens tell of the sign-in; absent: what the session says. */
  readonly authentication?: Authentication | null
  readonly jkt: string | undefined
  readonly random: RandomBytes
}

function newFamily(request: FamilyRequest): Family {
  const { snapshot, session, user, client, grant, random } = request
  return {
    id: makeId(snapshot.now, random),
    sessionId: session.id,
    userId: user.id,
    clientId: client.id,
    salt: random(saltBytes),
    generation: 0,
    rotatedAt: snapshot.now,
    createdAt: snapshot.now,
    absoluteEndAt: Math.min(session.absoluteEndAt, snapshot.now + client.lifetimes.absoluteSeconds * 1000),
    jkt: request.jkt ?? null,
    scope: request.scope,
    audiences: request.audiences ?? client.audiences,
    claims: request.claims ?? null,
    authentication: request.authentication ?? null,
    epochs: currentEpochs({ issuer: snapshot.issuer, user, client, grant }),
    creditSpentAt: null,
    flaggedAt: null,
    leakedAt: null,
    endedAt: null,
    endReason: null,
    version: 0,
  }
}

function sessionCreated(request: LoginRequest, session: Session, clientId?: string): AuditRecord {
  return {
    event: 'session.created',
    time: request.snapshot.now,
    userId: session.userId,
    sessionId: session.id,
    ...(clientId !== undefined && { clientId }),
    facts: { amr: session.amr.join(' ') },
    ...personalOf(request.device),
  }
}
