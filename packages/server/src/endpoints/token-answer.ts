import {
  type AuthenticatedClient,
  type Client,
  currentEpochs,
  deriveRefreshToken,
  type Family,
  type Instant,
  mintAccessToken,
  type Session,
  userClaims,
} from '@countersign/core'
import type { TokenAnswer } from '@countersign/protocol'
import type { Services } from '../services.ts'

/** The rows that a token is made from, as they were loaded or will be committed. */
export interface LoginRows {
  readonly now: Instant
  readonly issuer: { readonly epoch: number }
  readonly user: { readonly epoch: number }
  readonly client: Client | AuthenticatedClient
  readonly session: Session
  readonly family: Family
}

/**
 * Signs what a login is answered with. Called before the commit: a key that fails must not cost a rotation.
 *
 * @param generation of the refresh token in the answer; `undefined`: none, the presented one stays current.
 */
export function signTokenAnswer(
  services: Services,
  rows: LoginRows,
  more: { generation: number | undefined; scope?: string; jkt: string | undefined },
): TokenAnswer {
  const { now, client, session, family } = rows
  const jkt = client.accessTokenBinding === 'dpop' ? more.jkt : undefined
  const scope = more.scope ?? family.scope
  const claims = userClaims({
    issuer: services.config.issuer,
    client,
    session,
    family,
    scope,
    epochs: currentEpochs(rows),
    jkt,
    now,
  })
  return {
    access_token: mintAccessToken(services.keys.mint(), claims),
    token_type: jkt === undefined ? 'Bearer' : 'DPoP',
    expires_in: client.lifetimes.accessTokenSeconds,
    ...(more.generation !== undefined && {
      refresh_token: deriveRefreshToken(services.keys.activeRefreshKey(), {
        id: family.id,
        salt: family.salt,
        generation: more.generation,
      }),
    }),
    scope,
    server_time: Math.floor(now / 1000),
  }
}
