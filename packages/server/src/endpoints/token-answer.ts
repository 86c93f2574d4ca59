import {
  type AuthenticatedClient,
  type Client,
  currentEpochs,
  deriveRefreshToken,
  type Family,
  type Grant,
  type Instant,
  idTokenClaims,
  idTokenType,
  type OwnClaims,
  type Session,
  sessionNameFor,
  signJws,
  stillAllowed,
  subjectOf,
  type User,
  userClaims,
} from '@countersign/core'
import type { TokenAnswer } from '@countersign/protocol'
import type { Services } from '../services.ts'
import { issueAccessToken, schemaVersionOf } from '../sign-in/issue-access-token.ts'

/** The rows that a token is made from, as they were loaded or will be committed. */
export interface LoginRows {
  readonly now: Instant
  readonly issuer: { readonly epoch: number }
  readonly user: User
  readonly client: Client | AuthenticatedClient
  /** What the family is authorised under, if it needs one. */
  readonly grant: Grant | undefined
  readonly session: Session
  readonly family: Family
}

/**
 * Signs what a login is answered with. Called before the commit: a key that fails must not cost a rotation. What the client may not have any more, its older
 * logins do not give it either, whatever is asked for.
 *
 * @param generation of the refresh token in the answer; `undefined`: none, the presented one stays current. A client that may not refresh gets none.
 */
export async function signTokenAnswer(
  services: Services,
  rows: LoginRows,
  more: {
    generation: number | undefined
    scope?: string
    /** Fewer than the family's, if the client asked for one. */
    audiences?: readonly string[] | undefined
    jkt: string | undefined
    /** With what its ID token is made, if the scope wants one; absent: no ID token. */
    idToken?: { readonly nonce: string | null }
  },
): Promise<TokenAnswer> {
  const { now, client, user, session, family } = rows
  const jkt = client.accessTokenBinding === 'dpop' ? more.jkt : undefined
  const { scope, audiences } = stillAllowed(
    { scope: more.scope ?? family.scope, audiences: more.audiences ?? family.audiences },
    client,
  )
  const sub = subjectOf(client, user, services.pairwiseKey)
  const sid = sessionNameFor(client, session.id, services.pairwiseKey)
  const own = await services.claims.accessToken(user, { client, audiences, scope })
  const wanted = userClaims({
    issuer: services.config.issuer,
    client,
    sub,
    sid,
    session,
    family: { ...family, audiences },
    apiLifetimes: services.config.apiLifetimes,
    scope,
    epochs: currentEpochs(rows),
    jkt,
    own,
    schemaVersion: schemaVersionOf(services),
    now,
  })
  // No token outlives the login that it speaks for.
  const claims = { ...wanted, exp: Math.min(wanted.exp, Math.floor(family.absoluteEndAt / 1000)) }
  const accessToken = issueAccessToken(services, client, claims)
  const wantsIdToken = scope.split(' ').includes('openid') ? more.idToken : undefined
  const idToken = wantsIdToken && { ...wantsIdToken, own: await services.claims.idToken(user, { client, scope }) }
  return {
    access_token: accessToken,
    token_type: jkt === undefined ? 'Bearer' : 'DPoP',
    expires_in: claims.exp - claims.iat,
    ...(more.generation !== undefined &&
      client.grantTypes.includes('refresh_token') && {
        refresh_token: deriveRefreshToken(services.keys.activeRefreshKey(), {
          id: family.id,
          salt: family.salt,
          generation: more.generation,
        }),
      }),
    scope,
    ...(idToken && { id_token: signIdToken(services, rows, { sub, sid, accessToken, ...idToken }) }),
    server_time: Math.floor(now / 1000),
  }
}

function signIdToken(
  { config, keys }: Services,
  { now, client, user, session, family }: LoginRows,
  more: { sub: string; sid: string; nonce: string | null; accessToken: string; own: OwnClaims['claims'] },
): string {
  const claims = idTokenClaims({ issuer: config.issuer, client, user, session, family, now, ...more })
  return signJws(keys.signer(client.idTokenAlgorithm, idTokenType), claims)
}
