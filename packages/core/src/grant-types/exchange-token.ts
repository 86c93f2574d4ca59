import { type AccessTokenClaims, type Actor, type Refusal, refuse, type TokenOrigin } from '@countersign/protocol'
import type { AuthenticatedClient } from '../clients/client.ts'
import { grantScope } from '../clients/scope.ts'
import type { Instant } from '../ids.ts'
import { type ApiLifetimes, accessTokenLife } from '../tokens/access-token-life.ts'

/** A token that stands, and how far the login behind it reaches. */
export interface SubjectToken {
  readonly claims: AccessTokenClaims
  /** The audiences of its login; of a machine's token none besides its own. */
  readonly loginAudiences: readonly string[]
}

export interface TokenExchange {
  readonly issuer: string
  readonly now: Instant
  readonly apiLifetimes: ApiLifetimes
  readonly schemaVersion: number
  /** Who asks, and will hold the token. */
  readonly client: AuthenticatedClient
  readonly subject: SubjectToken
  /** Who will act, if that is not the client itself. */
  readonly actor: AccessTokenClaims | undefined
  readonly scope: string | undefined
  /** What was asked for by `resource` and `audience`; undefined: nothing, so all that may be had. */
  readonly audiences: readonly string[] | undefined
  readonly jkt: string | undefined
}

/** So many act for one another at most: each makes the token longer. */
const actorsAtMost = 4

/** True if a token is meant for this client: it names an API that the client is, or the client has got it for itself. */
export function isAddressedTo(
  { aud, client_id }: AccessTokenClaims,
  client: Pick<AuthenticatedClient, 'id' | 'serves'>,
): boolean {
  const audiences = typeof aud === 'string' ? [aud] : aud
  return client_id === client.id || audiences.some(one => one === client.id || (client.serves?.includes(one) ?? false))
}

/**
 * Judges a token exchange (RFC 8693): the same subject, somebody else who acts. Never wider than the token was and than the client may have, never longer, and
 * dead as soon as the token that it was made from, or the login behind it.
 */
export function exchangeToken(request: TokenExchange): Omit<AccessTokenClaims, 'jti'> | Refusal {
  const { client, issuer, now, actor } = request
  const { claims: subject } = request.subject
  if (!isAddressedTo(subject, client)) return refuse('subject_token_invalid')
  if (actor !== undefined && (!isAddressedTo(actor, client) || actor.act !== undefined))
    return refuse('actor_token_invalid')
  const acting: Actor = { sub: actor?.sub ?? client.id, client_id: actor?.client_id ?? client.id }
  if (!mayAct(subject.may_act, acting)) return refuse('actor_not_allowed')
  if (depthOf(subject.act) >= actorsAtMost)
    return refuse('subject_token_invalid', { detail: 'Too many act for one another.' })
  const scope = narrowed(request)
  if (scope === undefined) return refuse('scope_invalid')
  const audiences = reached(request)
  if (audiences === undefined) return refuse('resource_invalid')
  const aud = [issuer, ...audiences]
  const iat = Math.floor(now / 1000)
  const { auth_time, acr, amr, sid, fam } = subject
  return {
    iss: issuer,
    sub: subject.sub,
    aud,
    exp: Math.min(subject.exp, actor?.exp ?? subject.exp, iat + accessTokenLife(client, aud, request.apiLifetimes)),
    iat,
    client_id: client.id,
    scope,
    ...(auth_time !== undefined && { auth_time }),
    ...(acr !== undefined && { acr }),
    ...(amr !== undefined && { amr }),
    ...(sid !== undefined && { sid }),
    ...(fam !== undefined && { fam }),
    epo: {
      all: subject.epo?.all ?? 0,
      ...(subject.epo?.user !== undefined && { user: subject.epo.user }),
      client: client.epoch,
      via: [originOf(subject), ...(subject.epo?.via ?? [])],
    },
    act: { ...acting, ...(subject.act && { act: subject.act }) },
    ver: request.schemaVersion,
    ...(request.jkt !== undefined && { cnf: { jkt: request.jkt } }),
  }
}

/** The subject says who alone may act for it (§4.4); by default anybody who has the right. */
function mayAct(allowed: AccessTokenClaims['may_act'], acting: Actor): boolean {
  if (allowed === undefined) return true
  const { sub, client_id } = allowed
  if (sub === undefined && client_id === undefined) return false
  return (sub === undefined || sub === acting.sub) && (client_id === undefined || client_id === acting.client_id)
}

function depthOf(actor: Actor | undefined): number {
  return actor === undefined ? 0 : 1 + depthOf(actor.act)
}

function narrowed({ subject, client, scope }: TokenExchange): string | undefined {
  const held = (subject.claims.scope ?? '').split(' ').filter(word => word !== '' && client.scopes.includes(word))
  return grantScope(scope, held, held)
}

/** An API of the client's that the subject reaches too. None at all is a token for nothing. */
function reached({ subject, client, audiences, issuer }: TokenExchange): readonly string[] | undefined {
  const { aud } = subject.claims
  const reachable = new Set([...(typeof aud === 'string' ? [aud] : aud), ...subject.loginAudiences])
  const possible = client.audiences.filter(one => one !== issuer && reachable.has(one))
  const wanted = audiences ?? possible
  return wanted.length > 0 && wanted.every(one => possible.includes(one)) ? wanted : undefined
}

function originOf({ client_id, jti, epo }: AccessTokenClaims): TokenOrigin {
  return {
    client_id,
    jti,
    ...(epo?.client !== undefined && { client: epo.client }),
    ...(epo?.grant !== undefined && { grant: epo.grant }),
  }
}
