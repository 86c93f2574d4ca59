import { type FamilySnapshot, narrowScope, type RefreshDecision, stillAllowed } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import { jsonHeaders, refusalAnswer } from '../http/answers.ts'
import type { HttpAnswer } from '../http/message.ts'
import type { Parameters } from '../http/read-form.ts'
import { readRefreshToken } from '../keys/read-refresh-token.ts'
import type { Services } from '../services.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { grantAudiences } from './grant-audiences.ts'
import { signTokenAnswer } from './token-answer.ts'
import { missing, type PresentedLogin, type TokenRequest } from './token-request.ts'

const triesAtMost = 20

/** Says which row of the table decided (docs/refresh.md): for people who debug, nothing depends on it. */
const rowHeader = 'countersign-refresh-row'

/**
 * What a refresh token is about. It is loaded before the client is authenticated, since the client is in the same snapshot: a refresh is one read and one
 * conditional write. Nothing is decided by it before.
 */
export async function loadPresentedLogin(services: Services, form: Parameters): Promise<PresentedLogin | undefined> {
  const presented = form.get('refresh_token')
  if (presented === undefined) return undefined
  const token = await readRefreshToken(services.keys, presented)
  return { token, snapshot: token && (await services.store.loadFamily(token.familyId)) }
}

/** `grant_type=refresh_token` (RFC 6749 §6): decide → sign → commit → answer, and load again where another was faster. */
export async function refreshTokens(services: Services, request: TokenRequest): Promise<HttpAnswer> {
  const { login } = request
  if (login === undefined) return refusalAnswer(missing('refresh_token'))
  const { token } = login
  if (token === undefined) {
    return answer(services, request, { row: 1, outcome: refuse('refresh_token_invalid') }, undefined)
  }
  const device = deviceOf(request.http)
  let snapshot = isCurrent(request, login.snapshot) ? login.snapshot : await services.store.loadFamily(token.familyId)
  for (let tries = 0; tries < triesAtMost; tries++) {
    if (snapshot === undefined) {
      return answer(services, request, { row: 1, outcome: refuse('family_unknown') }, token.familyId)
    }
    const decision = services.judgeRefresh({ token, snapshot, client: request.client, jkt: request.proof.jkt, device })
    const wanted = isRefusal(decision.outcome) ? {} : narrow(services, request, snapshot)
    // From row 3 on it is the client's own proof; a replayed one must not decide anything.
    const spent = decision.row < 3 ? undefined : await request.proof.spend()
    if (spent !== undefined) return refusalAnswer(spent)
    const { decided, signed } = isRefusal(wanted)
      ? { decided: withoutTokens(decision, wanted), signed: undefined }
      : { decided: decision, signed: await sign(services, request, snapshot, decision, wanted) }
    const outcome = decided.change ? await services.store.commit(decided.change) : 'committed'
    if (outcome === 'committed') return answer(services, request, decided, token.familyId, signed)
    snapshot = await services.store.loadFamily(token.familyId)
  }
  throw new StoreUnavailable('A family is being changed by others all the time.')
}

/** False: authenticating has found that the client has become another since (its document has). */
function isCurrent({ client }: TokenRequest, snapshot: FamilySnapshot | undefined): boolean {
  return snapshot === undefined || snapshot.client.id !== client.id || snapshot.client.version === client.version
}

/**
 * The row has decided and what it found is written down; only then does a wrong scope or resource matter: else whoever
 * adds one would not be seen. A rotation alone is left out, since its token is not handed over.
 */
function withoutTokens({ row, change }: RefreshDecision, outcome: Refusal): RefreshDecision {
  return { row, outcome, ...(change && row !== 5 && { change }) }
}

/** What the access token may do less than the family: scope (RFC 6749 §6) and audience (RFC 8707 §2.2). */
interface Narrowed {
  readonly scope?: string
  readonly audiences?: readonly string[]
}

function narrow(services: Services, { form, client }: TokenRequest, { family }: FamilySnapshot): Narrowed | Refusal {
  // What a client may not have any more, its older logins do not give it either.
  const allowed = stillAllowed(family, client)
  const scope = narrowScope(form.get('scope'), allowed.scope)
  if (scope === undefined) return refuse('scope_invalid')
  const audiences = grantAudiences(form.get('resource'), services.config.issuer, allowed.audiences)
  return audiences === undefined ? refuse('resource_invalid') : { scope, audiences }
}

async function sign(
  services: Services,
  request: TokenRequest,
  snapshot: FamilySnapshot,
  { outcome }: RefreshDecision,
  narrowed: Narrowed,
): Promise<string | undefined> {
  if (isRefusal(outcome)) return undefined
  const rows = { ...snapshot, family: outcome.family }
  const more = { generation: outcome.generation, jkt: request.proof.jkt, ...narrowed, idToken: { nonce: null } }
  return JSON.stringify(await signTokenAnswer(services, rows, more))
}

function answer(
  services: Services,
  request: TokenRequest,
  decision: RefreshDecision,
  familyId: string | undefined,
  signed?: string,
): HttpAnswer {
  const { row, outcome } = decision
  const reason = isRefusal(outcome) ? outcome.reason : undefined
  services.onRefresh({ row, familyId, clientId: request.client.id, reason, time: services.clock() })
  const headers = { [rowHeader]: String(row) }
  if (isRefusal(outcome)) return holderRefusal(services, outcome, headers)
  return { status: 200, headers: { ...jsonHeaders, ...headers }, body: signed ?? '' }
}

/** A refusal of rows 1 to 10. One about the proof says what it takes to make a better one: the time and a nonce. */
export function holderRefusal(
  services: Services,
  outcome: Refusal,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const isAboutProof = outcome.reason === 'proof_required' || outcome.reason === 'proof_key_mismatch'
  return refusalAnswer(isAboutProof ? services.proofs.explain(outcome, { challenges: false }) : outcome, headers)
}
