import {
  type Actor,
  type AuthenticatedClient,
  type Change,
  combine,
  endSession,
  type FamilySnapshot,
  grantScope,
  hidesUser,
  lastUsedAt,
  macMatches,
  makeRoom,
  openLogin,
  sessionNameFor,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Limit, SessionWithFamilies } from '@countersign/store'
import * as z from 'zod'
import { checkClientProof } from '../dpop/client-proof.ts'
import { json, noContent, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer } from '../http/message.ts'
import { readJson } from '../http/read-json.ts'
import { readRefreshToken } from '../keys/read-refresh-token.ts'
import { addressKey } from '../passwords/address-key.ts'
import type { Services } from '../services.ts'
import { type CheckedToken, checkAccessToken } from '../sign-in/check-access-token.ts'
import { decideAndCommit, decideLogin } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { endUserSessions } from '../sign-in/end-user-sessions.ts'
import { grantForLogin } from '../sign-in/grant-for-login.ts'
import { loadLivingSession } from '../sign-in/load-living-session.ts'
import { asTheyAreNow, upgradedHash, withUpgradedHash } from '../sign-in/shown-password.ts'
import { signInByPassword } from '../sign-in/sign-in.ts'
import { signTokenAnswer } from './token-answer.ts'

const loginBody = z.strictObject({
  email: z.string().max(254),
  password: z.string().max(1024),
  client_id: z.string().max(200),
  scope: z.string().max(2000).optional(),
  supersedes: z.string().max(200).optional(),
})

/** `POST /v1/sessions`: direct login, for first-party clients that are allowed to see passwords. */
export function logIn(services: Services): Endpoint {
  return async http => {
    const wanted = readJson(http, loginBody)
    if (isRefusal(wanted)) return refusalAnswer(wanted)
    const found = await services.store.loadClient(wanted.client_id)
    if (found === undefined || found.client.disabled) return refusalAnswer(refuse('client_authentication_failed'))
    const client = found.client as AuthenticatedClient
    if (!client.directLogin || !client.firstParty || client.secretHashes.length > 0) {
      return refusalAnswer(refuse('client_not_allowed'))
    }
    const scope = grantScope(wanted.scope, client.scopes, client.defaultScopes)
    if (scope === undefined) return refusalAnswer(refuse('scope_invalid'))
    const proof = checkClientProof(services, client, http)
    if (isRefusal(proof)) return refusalAnswer(proof)
    const device = deviceOf(http)
    const signedIn = await signInByPassword(services, wanted, device)
    if (isRefusal(signedIn)) return refusalAnswer(signedIn)
    const spent = await proof.spend()
    if (spent !== undefined) return refusalAnswer(spent)
    const shown = { password: wanted.password, from: addressKey(device.ip) }
    const hash = await upgradedHash(services, signedIn, shown)
    return openAndAnswer(services, signedIn.user.id, async isAgain => {
      const now = isAgain ? await asTheyAreNow(services, signedIn, shown) : signedIn
      if (isRefusal(now)) return now
      const { user, amr, needsRehash } = now
      const superseded = await loadSuperseded(services, wanted.supersedes, { userId: user.id, clientId: client.id })
      return {
        snapshot: now,
        user,
        ...(needsRehash && { upgradedHash: hash }),
        client,
        scope,
        jkt: proof.jkt,
        device,
        amr,
        superseded,
        random: services.random,
      }
    })
  }
}

type Login = Parameters<typeof openLogin>[0] & {
  /** Takes the place of the user's hash. */
  readonly upgradedHash?: string | undefined
}

/** Opens a login, and answers 201 with its tokens. After a conflict (`isAgain`) it is asked for anew: the user is not any more who they were. */
export async function openAndAnswer(
  services: Services,
  userId: string,
  request: (isAgain: boolean) => Promise<Login | Refusal>,
): Promise<HttpAnswer> {
  let tries = 0
  const opened = await decideLogin(services, userId, async () => {
    const login = await request(tries++ > 0)
    if (isRefusal(login)) return login
    return openAnswered(services, login)
  })
  return isRefusal(opened) ? refusalAnswer(opened) : json(201, opened)
}

/** A login to be committed, with what it is answered with. */
export async function openAnswered(services: Services, login: Login): Promise<{ result: object; change: Change }> {
  const under = await grantForLogin(services, login)
  const grant = under?.grant
  // What is superseded is among what the new authorization ends.
  const { session, family, change } = openLogin({ ...login, grant, ...(under && { superseded: undefined }) })
  const rows = { now: login.snapshot.now, issuer: login.snapshot.issuer, ...login, grant, session, family }
  const tokens = await signTokenAnswer(services, rows, { generation: 0, jkt: login.jkt })
  const ends = under ? [under.change] : await roomFor(services, login)
  const session_id = sessionNameFor(login.client, session.id, services.pairwiseKey)
  const whole = withUpgradedHash(combine(change, ...ends), login.user, login.upgradedHash)
  return { result: { ...tokens, session_id }, change: whole }
}

async function roomFor(
  { store }: Services,
  { snapshot, user, client, device, superseded }: Parameters<typeof openLogin>[0],
): Promise<Change[]> {
  const logins = await store.listSessions(user.id)
  return makeRoom({ snapshot, user, clientId: client.id, logins, device, besides: superseded?.session.id })
}

/**
 * The earlier login of the same user on this install, if the app can show its refresh token; anything else is silently no
 * login. Another user's is none: their leaked token must not be good for ending it.
 */
export async function loadSuperseded(
  services: Services,
  refreshToken: string | undefined,
  by: { readonly userId: string; readonly clientId: string },
): Promise<FamilySnapshot | undefined> {
  if (refreshToken === undefined) return undefined
  const opened = await readRefreshToken(services.keys, refreshToken)
  if (opened === undefined) return undefined
  const snapshot = await services.store.loadFamily(opened.familyId)
  if (snapshot === undefined || !macMatches(opened, snapshot.family.salt)) return undefined
  const { userId, clientId } = snapshot.family
  return userId === by.userId && clientId === by.clientId ? snapshot : undefined
}

/** `GET /v1/sessions`: what is signed in as this user. */
export function listSessions(services: Services): Endpoint {
  return async http => {
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const sessions = await services.store.listSessions(caller.user.id)
    const listed = lastUsed(sessions, caller.session.id)
    return json(200, { sessions: listed.map(one => sessionView(one, caller.session.id)) })
  }
}

const listedAtMost = 200

/** What is told of a user's sessions: those that were used last, in the order in which they are given, and the caller's own among them. */
export function lastUsed(sessions: readonly SessionWithFamilies[], currentId?: string): readonly SessionWithFamilies[] {
  if (sessions.length <= listedAtMost) return sessions
  const isOwn = ({ session }: SessionWithFamilies): number => (session.id === currentId ? 1 : 0)
  const lastFirst = sessions.toSorted((a, b) => isOwn(b) - isOwn(a) || lastUsedAt(b) - lastUsedAt(a))
  const listed = new Set(lastFirst.slice(0, listedAtMost))
  return sessions.filter(one => listed.has(one))
}

/** A session as the API tells it; times RFC 3339. */
export function sessionView({ session, families }: SessionWithFamilies, currentId?: string): Record<string, unknown> {
  return {
    id: session.id,
    client_id: session.clientId ?? families[0]?.clientId ?? null,
    current: session.id === currentId,
    device: session.device.label,
    ip: session.device.ip,
    created_at: new Date(session.createdAt).toISOString(),
    last_seen_at: new Date(lastUsedAt({ session, families })).toISOString(),
  }
}

/** `DELETE /v1/sessions/{id}`: ends one. */
export function endOneSession(services: Services): Endpoint {
  return async http => {
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const device = deviceOf(http)
    const outcome = await decideAndCommit(services, async () => {
      const snapshot = await services.store.loadSessionOnly(http.params.id ?? '')
      if (snapshot === undefined || snapshot.user.id !== caller.user.id) return refuse('session_unknown')
      return { result: {}, change: endSession(snapshot, 'ended_by_user', { device, by: 'user' }) }
    })
    return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
  }
}

/** `DELETE /v1/sessions`: log out everywhere; `?except=current` keeps the caller's. */
export function endSessions(services: Services): Endpoint {
  return async http => {
    // To the letter: with a slip of the pen in `except` everything would end.
    if (http.query !== '' && http.query !== 'except=current') return refusalAnswer(refuse('parameter_invalid'))
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const keep = http.query === '' ? undefined : caller.session.id
    const outcome = await endEverySession(services, caller.user.id, keep, { device: deviceOf(http), by: 'user' })
    return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
  }
}

/** Each is an entry that every API holds, and a row of the audit log: no login must be able to fill either with what is its own. */
const endsOfOthers: Limit = { kind: 'ends of all others by a session', attempts: 60, windowSeconds: 3600 }

/**
 * Raises the user's epoch; the session `keepId` is stamped anew and lives on. Counted by the session that is kept, not by the user: a thief must not be able to use up
 * what the owner has (`too_many_attempts`).
 */
export async function endEverySession(
  services: Services,
  userId: string,
  keepId: string | undefined,
  actor: Actor,
): Promise<object | Refusal> {
  if (keepId !== undefined) {
    const { allowed, retryAfterSeconds } = await services.counters.take(endsOfOthers, keepId)
    if (!allowed) return refuse('too_many_attempts', { retryAfterSeconds })
  }
  let epochBefore: number | undefined
  return decideAndCommit(services, async () => {
    const snapshot = await services.store.loadUser(userId)
    if (snapshot.user === undefined) return refuse('user_unknown')
    const keep = keepId === undefined ? undefined : await loadLivingSession(services, keepId)
    if (isRefusal(keep)) return keep
    epochBefore ??= snapshot.user.epoch
    // Somebody else has just done the same. Not if they have kept a session of their own, or one was born since.
    if (snapshot.user.epoch > epochBefore && !(await hasOtherSessions(services, userId, keepId))) return { result: {} }
    return {
      result: {},
      change: await endUserSessions(services, { ...snapshot, user: snapshot.user }, 'ended_by_user', {
        ...actor,
        keep,
      }),
    }
  })
}

async function hasOtherSessions({ store }: Services, userId: string, keepId: string | undefined): Promise<boolean> {
  return (await store.listSessions(userId)).some(({ session }) => session.id !== keepId)
}

/** The login behind a token for `/v1`; machines have none. */
export async function loginOf(
  services: Services,
  http: Parameters<Endpoint>[0],
): Promise<NonNullable<CheckedToken['login']> | Refusal> {
  const checked = await checkAccessToken(services, http, 'account')
  if (isRefusal(checked)) return checked
  // What is here has ids and addresses in it which are the same for everybody.
  if (hidesUser(checked.client)) {
    return refuse('scope_insufficient', {
      detail: 'The client knows its users by a pairwise sub; what it may know of them is at UserInfo.',
    })
  }
  // Whoever acts for somebody may use their APIs, and not their account: what is here would answer with tokens of the login itself.
  if (checked.claims.act !== undefined) return refuse('scope_insufficient', { detail: 'The token acts for somebody.' })
  return checked.login ?? refuse('scope_insufficient', { detail: 'The token is not one of a user.' })
}
