import {
  currentEpochs,
  type FamilySnapshot,
  isOutlived,
  openAccessToken,
  type Snapshot,
  sessionIsOver,
} from '@countersign/core'
import { type AccessTokenClaims, type Refusal, refuse } from '@countersign/protocol'
import type { HttpRequest } from '../http/message.ts'
import type { Services } from '../services.ts'

/** A token of ours that stands right now, by the store. `login` is absent for machine tokens. */
export interface CheckedToken {
  readonly claims: AccessTokenClaims
  readonly login: FamilySnapshot | undefined
}

/**
 * Checks an access token at our own endpoints: signature and countersign, audience, time, and then the rows that it was
 * made under. `/v1` needs `scope`.
 */
export async function checkAccessToken(
  services: Services,
  request: HttpRequest,
  scope: string,
): Promise<CheckedToken | Refusal> {
  const authorization = request.header('authorization')
  if (authorization === undefined) return refuse('token_missing')
  const [, scheme, token] = /^(Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? []
  if (scheme === undefined || token === undefined) return refuse('token_malformed')
  const checked = await judgeAccessToken(services, token)
  if ('refused' in checked) return checked
  const { claims } = checked
  const binding = judgeBinding(services, request, claims, scheme)
  if (binding !== undefined) return binding
  if (!(claims.scope ?? '').split(' ').includes(scope)) {
    return refuse('scope_insufficient', { detail: `The scope '${scope}' is required.` })
  }
  return checked
}

function judgeBinding(
  services: Services,
  request: HttpRequest,
  claims: AccessTokenClaims,
  scheme: string,
): Refusal | undefined {
  if (claims.cnf === undefined) return undefined
  if (scheme.toLowerCase() !== 'dpop') return refuse('token_bound')
  const proof = services.proofs.check(request)
  if ('refused' in proof) return proof
  if (proof.jkt === undefined) return refuse('proof_required')
  return proof.jkt === claims.cnf.jkt ? undefined : refuse('token_binding_mismatch')
}

/** Whether a token stands, whoever presents it: for introspection too. */
export async function judgeAccessToken(services: Services, token: string): Promise<CheckedToken | Refusal> {
  const opened = openAccessToken(token, services.keys.published, services.keys.countersignKey)
  if (opened === undefined) return refuse('signature_invalid')
  const { claims } = opened
  if (claims.iss !== services.config.issuer) return refuse('issuer_mismatch')
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  if (!audiences.includes(services.config.issuer)) return refuse('audience_mismatch')
  if (await services.store.feed.holds('token', claims.jti)) return refuse('token_revoked')
  return claims.fam === undefined ? judgeMachineToken(services, claims) : judgeLoginToken(services, claims, claims.fam)
}

async function judgeMachineToken(services: Services, claims: AccessTokenClaims): Promise<CheckedToken | Refusal> {
  const found = await services.store.loadClient(claims.client_id)
  if (found === undefined || found.client.disabled) return refuse('token_revoked')
  if (isExpired(claims, found)) return refuse('token_expired')
  const revoked = claims.epo && isOutlived(claims.epo, currentEpochs(found))
  return revoked ? refuse('token_revoked') : { claims, login: undefined }
}

async function judgeLoginToken(
  services: Services,
  claims: AccessTokenClaims,
  familyId: string,
): Promise<CheckedToken | Refusal> {
  const login = await services.store.loadFamily(familyId)
  if (login === undefined) return refuse('token_revoked')
  if (isExpired(claims, login)) return refuse('token_expired')
  const { family, session } = login
  if (session.id !== claims.sid || family.endedAt !== null || sessionIsOver(session, login) !== undefined) {
    return refuse('token_revoked')
  }
  return claims.epo && isOutlived(claims.epo, currentEpochs(login)) ? refuse('token_revoked') : { claims, login }
}

function isExpired(claims: AccessTokenClaims, snapshot: Snapshot): boolean {
  return snapshot.now >= claims.exp * 1000
}
