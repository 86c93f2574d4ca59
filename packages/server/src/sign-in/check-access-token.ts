import {
  type Client,
  currentEpochs,
  type FamilySnapshot,
  isOutlived,
  mayUse,
  openOpaqueToken,
  type Snapshot,
  sessionIsOver,
  sessionNameFor,
} from '@countersign/core'
import {
  type AccessTokenClaims,
  accessTokenPrefix,
  type Epochs,
  isRefusal,
  type Refusal,
  refuse,
  type TokenOrigin,
} from '@countersign/protocol'
import type { HttpRequest } from '../http/message.ts'
import type { Services } from '../services.ts'

/** A token of ours that stands right now, by the store. `login` is absent for machine tokens. */
export interface CheckedToken {
  readonly claims: AccessTokenClaims
  readonly login: FamilySnapshot | undefined
  /** Whom it was given to; of an exchanged token, whose login it was made from. */
  readonly client: Client
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
  scope: string | readonly string[],
  posted?: string,
): Promise<CheckedToken | Refusal> {
  const presented = readPresented(request.header('authorization'), posted)
  if (isRefusal(presented)) return presented
  const { token, isDpop } = presented
  const checked = await judgeAccessToken(services, token)
  const refusal = isRefusal(checked)
    ? checked
    : ((await judgeBinding(services, request, { ...checked, token, isDpop })) ?? judgeScope(checked.claims, scope))
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

/** One of the scopes is enough. */
function judgeScope(claims: AccessTokenClaims, wanted: string | readonly string[]): Refusal | undefined {
  const granted = (claims.scope ?? '').split(' ')
  const scopes = [wanted].flat()
  if (scopes.some(scope => granted.includes(scope))) return undefined
  return refuse('scope_insufficient', { detail: `The scope '${scopes[0]}' is required.` })
}

async function judgeBinding(
  services: Services,
  request: HttpRequest,
  presented: Pick<CheckedToken, 'claims' | 'client'> & { token: string; isDpop: boolean },
): Promise<Refusal | undefined> {
  const { token, claims, client, isDpop } = presented
  if (claims.cnf === undefined) return isDpop ? refuse('token_binding_mismatch') : undefined
  if (!isDpop) return refuse('token_bound')
  const proof = services.proofs.check(request, token)
  if (isRefusal(proof)) return proof
  if (proof.jkt === undefined) return refuse('proof_required')
  // RFC 9449 §9.
  if (!proof.hasNonce && client.requiresDpopNonce) return refuse('proof_nonce_required')
  return proof.jkt === claims.cnf.jkt ? proof.spend() : refuse('token_binding_mismatch')
}

/** Whether a token stands, whoever presents it: for introspection too. */
export async function judgeAccessToken(services: Services, token: string): Promise<CheckedToken | Refusal> {
  const claims = openAnyToken(services, token)
  if (claims === undefined) return refuse('signature_invalid')
  if (claims.iss !== services.config.issuer) return refuse('issuer_mismatch')
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  if (!audiences.includes(services.config.issuer)) return refuse('audience_mismatch')
  for (const { jti } of [claims, ...(claims.epo?.via ?? [])]) {
    if (await services.store.feed.holds('token', jti)) return refuse('token_revoked')
  }
  return claims.fam === undefined ? judgeMachineToken(services, claims) : judgeLoginToken(services, claims, claims.fam)
}

/** A JWT, or a token that only we can read. */
function openAnyToken({ keys, opaqueTokenKey }: Services, token: string): AccessTokenClaims | undefined {
  if (token.startsWith(accessTokenPrefix)) return openOpaqueToken(opaqueTokenKey, token)
  return keys.openAccessToken(token)
}

/** No login stands behind it: a machine's own token, one made from that, or one to act as a user who is not there. */
async function judgeMachineToken(services: Services, claims: AccessTokenClaims): Promise<CheckedToken | Refusal> {
  const found = await services.store.loadClient(claims.client_id)
  if (found === undefined || found.client.disabled) return refuse('token_revoked')
  if (isExpired(claims, found)) return refuse('token_expired')
  const user = claims.epo?.user === undefined ? undefined : (await services.store.loadUser(claims.sub)).user
  if (claims.epo?.user !== undefined && (user === undefined || !mayUse(user))) return refuse('token_revoked')
  const revoked = claims.epo && isOutlived(claims.epo, currentEpochs({ ...found, ...(user && { user }) }))
  if (revoked || !(await clientsStand(services, claims.epo?.via ?? []))) return refuse('token_revoked')
  return { claims, login: undefined, client: found.client }
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
    sessionNameFor(client, session.id, services.pairwiseKey) !== claims.sid ||
    family.endedAt !== null ||
    sessionIsOver(session, login) !== undefined
  ) {
    return refuse('token_revoked')
  }
  const { epochs, others } = underWhat(claims)
  const current = currentEpochs(login)
  // A token that does not tell whose it is has no epoch of user or grant in it; its login has.
  const isOver = isOutlived(family.epochs, { ...current, all: family.epochs.all })
  if (isOver || (epochs && isOutlived(epochs, current))) return refuse('token_revoked')
  return (await clientsStand(services, others)) ? { claims, login, client } : refuse('token_revoked')
}

/** The login was authorised under what its own token said; an exchanged one says that last, and whoever else has had a hand in it before. */
function underWhat({ client_id, epo }: AccessTokenClaims): {
  epochs: Epochs | undefined
  others: readonly Pick<TokenOrigin, 'client_id' | 'client'>[]
} {
  const origin = epo?.via?.at(-1)
  if (epo?.via === undefined || origin === undefined) return { epochs: epo, others: [] }
  const { client, grant } = origin
  const epochs = {
    all: epo.all,
    ...(epo.user !== undefined && { user: epo.user }),
    ...(client !== undefined && { client }),
    ...(grant !== undefined && { grant }),
  }
  const self = { client_id, ...(epo.client !== undefined && { client: epo.client }) }
  return { epochs, others: [self, ...epo.via.slice(0, -1)] }
}

async function clientsStand(
  { store }: Services,
  clients: readonly Pick<TokenOrigin, 'client_id' | 'client'>[],
): Promise<boolean> {
  for (const { client_id, client: epoch = 0 } of clients) {
    const found = await store.loadClient(client_id)
    if (found === undefined || found.client.disabled || epoch < found.client.epoch) return false
  }
  return true
}

function isExpired(claims: AccessTokenClaims, snapshot: Snapshot): boolean {
  return snapshot.now >= claims.exp * 1000
}
