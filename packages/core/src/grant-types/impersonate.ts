import { type AccessTokenClaims, type Refusal, refuse } from '@countersign/protocol'
import type { Change } from '../change.ts'
import type { AuthenticatedClient } from '../clients/client.ts'
import { grantScope } from '../clients/scope.ts'
import { currentEpochs } from '../revocation/epochs.ts'
import type { Snapshot } from '../snapshots.ts'
import { type ApiLifetimes, accessTokenLife } from '../tokens/access-token-life.ts'
import { mayUse, type User } from '../users/user.ts'

export interface Impersonation {
  readonly snapshot: Snapshot & { readonly user: User | undefined }
  readonly issuer: string
  readonly apiLifetimes: ApiLifetimes
  readonly schemaVersion: number
  readonly client: AuthenticatedClient
  readonly scope: string | undefined
  /** Undefined: all of the client's. */
  readonly audiences: readonly string[] | undefined
  /** Scopes that no user has. */
  readonly notForUsers: readonly string[]
  readonly jkt: string | undefined
}

/**
 * A trusted back end acts as a user who is not there (RFC 8693 §1.1): no login stands behind the token, so the user's and the client's epochs end it, and
 * the audit log says that it was given.
 */
export function impersonate(
  request: Impersonation,
): { readonly refused?: never; readonly claims: Omit<AccessTokenClaims, 'jti'>; readonly change: Change } | Refusal {
  const { client, issuer, snapshot } = request
  const { user, now } = snapshot
  // Its tokens tell the user's id, by which they are revoked.
  if (client.subjectType !== 'public') return refuse('client_not_allowed')
  if (user === undefined || !mayUse(user)) return refuse('subject_token_invalid')
  const mayHave = client.scopes.filter(word => !request.notForUsers.includes(word))
  const scope = grantScope(request.scope, mayHave, [])
  if (scope === undefined) return refuse('scope_invalid')
  const audiences = request.audiences ?? client.audiences
  if (audiences.length === 0 || !audiences.every(one => client.audiences.includes(one)))
    return refuse('resource_invalid')
  const aud = [issuer, ...audiences]
  const iat = Math.floor(now / 1000)
  const claims = {
    iss: issuer,
    sub: user.id,
    aud,
    exp: iat + accessTokenLife(client, aud, request.apiLifetimes),
    iat,
    client_id: client.id,
    scope,
    epo: currentEpochs({ issuer: snapshot.issuer, user, client }),
    act: { sub: client.id, client_id: client.id },
    ver: request.schemaVersion,
    ...(request.jkt !== undefined && { cnf: { jkt: request.jkt } }),
  }
  const audit = [
    { event: 'user.impersonated' as const, time: now, userId: user.id, clientId: client.id, facts: { scope } },
  ]
  return { claims, change: { writes: [], audit, entries: [], durable: true, time: now } }
}
