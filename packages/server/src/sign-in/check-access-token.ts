import {
  currentEpochs,
  type FamilySnapshot,
  isOutlived,
  openAccessToken,
  type Snapshot,
  sessionIsOver,
} from '@countersign/core'
import { type AccessTokenClaims, isRefusal, type Refusal, refuse } from '@countersign/protocol'
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
 *
 * @param posted the token of a form (RFC 6750 §2.2), where an endpoint takes one.
 */
export async function checkAccessToken(
  services: Services,
  request: HttpRequest,
  scope: string,
  posted?: string,
): Promise<CheckedToken | Refusal> {
  const presented = readPresented(request.header('authorization'), posted)
  if (isRefusal(presented)) return presented
  const { token, isDpop } = presented
  const checked = await judgeAccessToken(services, token)
  const refusal = isRefusal(checked)
    ? checked
    : (judgeBinding(services, request, { token, claims: checked.claims, isDpop }) ?? judgeScope(checked.claims, scope))
  if (refusal === undefined) return checked
  // Answered in the scheme that was used, or should have been (RFC 9449 §7.1).
  const challenges = isDpop || refusal.reason === 'token_bound'
  return challenges ? services.proofs.explain(refusal, { challenges }) : refusal
}

/** One token, in one way (RFC 6750 §2). */
function readPresented(
  authorization: string | undefined,
  posted: string | undefined,
): { token: string; isDpop: boolean } | Refusal {
  if (authorization !== undefined && posted !== undefined) return refuse('token_ambiguous')
  const written = posted === undefined ? authorization : `Bearer ${posted}`
  if (written === undefined) return refuse('token_missing')
  const [, scheme, token] = /^(Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*)$/i.exec(written) ?? []
  if (scheme === undefined || token === undefined) return refuse('token_malformed')
  return { token, isDpop: scheme.toLowerCase() === 'dpop' }
}

function judgeScope(claims: AccessTokenClaims, scope: string): Refusal | undefined {
  if ((claims.scope ?? '').split(' ').includes(scope)) return undefined
  return refuse('scope_insufficient', { detail: `The scope '${scope}' is required.` })
}

function judgeBinding(
  services: Services,
  request: HttpRequest,
  presented: { token: string; claims: AccessTokenClaims; isDpop: boolean },
): Refusal | undefined {
  const { token, claims, isDpop } = presented
  if (claims.cnf === undefined) return isDpop ? refuse('token_binding_mismatch') : undefined
  if (!isDpop) return refuse('token_bound')
  const proof = services.proofs.check(request, token)
  if (isRefusal(proof)) return proof
  if (proof.jkt === undefined) return refuse('proof_required')
  return proof.jkt === claims.cnf.jkt ? proof.spend() : refuse('token_binding_mismatch')
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
  const { family, session, client } = login
  if (
    client.disabled ||
    session.id !== claims.sid ||
    family.endedAt !== null ||
    sessionIsOver(session, login) !== undefined
  ) {
    return refuse('token_revoked')
  }
  return claims.epo && isOutlived(claims.epo, currentEpochs(login)) ? refuse('token_revoked') : { claims, login }
}

function isExpired(claims: AccessTokenClaims, snapshot: Snapshot): boolean {
  return snapshot.now >= claims.exp * 1000
}
