import {
  type FamilySnapshot,
  narrowScope,
  type OpenedRefreshToken,
  openRefreshToken,
  type RefreshDecision,
  redeemRefreshToken,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import { json, refusalAnswer } from '../http/answers.ts'
import type { HttpAnswer } from '../http/message.ts'
import type { Services } from '../services.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { missing, type TokenRequest } from './token.ts'
import { signTokenAnswer } from './token-answer.ts'

const triesAtMost = 20

/** Says which row of the table decided (docs/refresh.md): for people who debug, nothing depends on it. */
export const rowHeader = 'countersign-refresh-row'

/** `grant_type=refresh_token` (RFC 6749 §6): load → decide → sign → commit → answer. */
export async function refreshTokens(services: Services, request: TokenRequest): Promise<HttpAnswer> {
  const presented = request.form.get('refresh_token')
  if (presented === undefined) return refusalAnswer(missing('refresh_token'))
  const token = await open(services, presented)
  if (isRefusal(token)) return answer(services, request, { row: 1, outcome: token }, undefined)
  const device = deviceOf(request.http)
  for (let tries = 0; tries < triesAtMost; tries++) {
    const snapshot = await services.store.loadFamily(token.familyId)
    if (snapshot === undefined) {
      return answer(services, request, { row: 1, outcome: refuse('family_unknown') }, token.familyId)
    }
    const decision = redeemRefreshToken({ token, snapshot, client: request.client, jkt: request.jkt, device })
    const scope = narrowScope(request.form.get('scope'), snapshot.family.scope)
    if (scope === undefined && !isRefusal(decision.outcome)) return refusalAnswer(refuse('scope_invalid'))
    const signed = sign(services, request, snapshot, decision, scope)
    const outcome = decision.change ? await services.store.commit(decision.change) : 'committed'
    if (outcome === 'committed') return answer(services, request, decision, token.familyId, signed)
  }
  throw new StoreUnavailable('A family is being changed by others all the time.')
}

/** Row 1, as far as it goes without the store. An unknown key number may be a key that another node has just made. */
async function open(services: Services, presented: string): Promise<OpenedRefreshToken | Refusal> {
  let opened = openRefreshToken(presented, services.keys.refreshKey)
  if (opened === 'unknown_key') {
    await services.keys.read()
    opened = openRefreshToken(presented, services.keys.refreshKey)
  }
  return typeof opened === 'string' ? refuse('refresh_token_invalid') : opened
}

function sign(
  services: Services,
  request: TokenRequest,
  snapshot: FamilySnapshot,
  { outcome }: RefreshDecision,
  scope: string | undefined,
): string | undefined {
  if (isRefusal(outcome)) return undefined
  const rows = { ...snapshot, family: outcome.family }
  const more = { generation: outcome.generation, jkt: request.jkt, ...(scope !== undefined && { scope }) }
  return JSON.stringify(signTokenAnswer(services, rows, more))
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
  if (isRefusal(outcome)) return refusalAnswer(outcome, headers)
  return { ...json(200, null), headers: { ...json(200, null).headers, ...headers }, body: signed ?? '' }
}
