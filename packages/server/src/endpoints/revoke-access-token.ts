import { type AuditRecord, type Change, endLogin, hashCode, namedEntry, personalOf } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Limit } from '@countersign/store'
import { refusalAnswer } from '../http/answers.ts'
import { type HttpAnswer, type HttpRequest, noStore } from '../http/message.ts'
import type { Services } from '../services.ts'
import { type CheckedToken, judgeAccessToken } from '../sign-in/check-access-token.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { holderRefusal } from './token-refresh.ts'

/**
 * So many access tokens of one login (or of one client's machines) die by name in an hour: every API holds every entry of
 * the feed, so one login must not be able to fill it.
 */
const tokensAnHour = { attempts: 20, windowSeconds: 3600 }
const ofLogin: Limit = { kind: 'access tokens revoked of a login', ...tokensAnHour }
const ofMachines: Limit = { kind: 'access tokens revoked of machines', ...tokensAnHour }

/**
 * Revokes access tokens by name. Beyond twenty different ones of a login in an hour the login ends instead, a bound one only with the proof of its key;
 * otherwise, and for machine tokens, `too_many_attempts`. One token counts once, however often it is sent, one after another or at once: who holds one
 * ends that one, and nothing else.
 */
export function accessTokenRevoker(
  services: Services,
): (http: HttpRequest, token: string, clientId: string) => Promise<HttpAnswer> {
  /** By `jti`. Who asks for the same as another gets the same answer. */
  const underWay = new Map<string, Promise<Refusal | undefined>>()

  return async (http, token, clientId) => {
    const judged = await judgeAccessToken(services, token)
    if (isRefusal(judged)) return revoked()
    const { claims } = judged
    if (claims.client_id !== clientId) return refusalAnswer(refuse('client_mismatch'))
    // Who acts for somebody ends what it was given, and not their login.
    const familyId = claims.act === undefined ? claims.fam : undefined
    const { jti } = claims
    const counted = familyId === undefined ? ([ofMachines, clientId] as const) : ([ofLogin, familyId] as const)
    const revoking =
      underWay.get(jti) ?? revokeByName(services, http, judged, counted).finally(() => underWay.delete(jti))
    underWay.set(jti, revoking)
    const limited = await revoking
    if (limited === undefined) return revoked()
    return familyId === undefined ? refusalAnswer(limited) : endLoginOf(services, http, familyId, limited)
  }
}

export function revoked(): HttpAnswer {
  return { status: 200, headers: { ...noStore, 'content-length': '0' } }
}

/** `too_many_attempts` if there is no room for its name; what is dead already is not counted. */
async function revokeByName(
  services: Services,
  http: HttpRequest,
  { claims: { jti, client_id }, login }: CheckedToken,
  counted: readonly [Limit, string],
): Promise<Refusal | undefined> {
  const { store, counters } = services
  if (await store.feed.holds('token', jti)) return undefined
  const { allowed, retryAfterSeconds } = await counters.take(...counted)
  if (!allowed) return refuse('too_many_attempts', { retryAfterSeconds })
  let isNamed = false
  try {
    const outcome = await decideAndCommit(services, async () => {
      isNamed = !(await store.feed.holds('token', jti))
      if (!isNamed) return { result: {} }
      const { now, issuer } = await store.loadIssuer()
      const entry = namedEntry('token', jti, now, issuer)
      // Of any number of nodes one writes this row, and the entry with it.
      const row = { hash: hashCode(JSON.stringify(['revoked', jti])), expiresAt: entry.until * 1000, version: 0 }
      const audit: AuditRecord = {
        event: 'token.revoked',
        time: now,
        clientId: client_id,
        ...(login && { userId: login.user.id, sessionId: login.session.id }),
        ...personalOf(deviceOf(http)),
      }
      const writes = [{ table: 'usedOnce' as const, row }]
      return { result: {}, change: { writes, audit: [audit], entries: [entry], durable: true, time: now } }
    })
    return isRefusal(outcome) ? outcome : undefined
  } catch (error) {
    isNamed = false
    throw error
  } finally {
    if (!isNamed) await counters.giveBack(...counted)
  }
}

/** One entry in the place of any number: every token of the login is dead, the one that was named among them. */
async function endLoginOf(
  services: Services,
  http: HttpRequest,
  familyId: string,
  limited: Refusal,
): Promise<HttpAnswer> {
  const proof = services.proofs.check(http)
  if (isRefusal(proof)) return refusalAnswer(proof)
  const outcome = await decideAndCommit(
    services,
    async (): Promise<{ result: object; change?: Change | undefined } | Refusal> => {
      const snapshot = await services.store.loadFamily(familyId)
      if (snapshot === undefined) return { result: {} }
      // As in row 2 of the refresh rule: whoever lacks the key of a bound login ends nothing.
      if (snapshot.family.jkt !== null && snapshot.family.jkt !== proof.jkt) return limited
      const replayed = await proof.spend()
      if (replayed !== undefined) return replayed
      return { result: {}, change: endLogin(snapshot, 'signed_out', { device: deviceOf(http), by: 'client' }) }
    },
  )
  return isRefusal(outcome) ? holderRefusal(services, outcome) : revoked()
}
