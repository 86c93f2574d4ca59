import { currentEpochs, grantScope, isPublic, machineClaims } from '@countersign/core'
import { refuse, type TokenAnswer } from '@countersign/protocol'
import { json, refusalAnswer } from '../http/answers.ts'
import type { HttpAnswer } from '../http/message.ts'
import type { Services } from '../services.ts'
import { issueAccessToken, schemaVersionOf } from '../sign-in/issue-access-token.ts'
import { grantAudiences } from './grant-audiences.ts'
import type { TokenRequest } from './token-request.ts'

/** `grant_type=client_credentials` (RFC 6749 §4.4): for confidential clients, no refresh token, nothing stored. */
export async function grantClientCredentials(services: Services, request: TokenRequest): Promise<HttpAnswer> {
  const { client, clientSnapshot, proof } = request
  if (isPublic(client)) return refusalAnswer(refuse('client_not_allowed'))
  const scope = grantScope(request.form.get('scope'), client.scopes, client.defaultScopes)
  if (scope === undefined) return refusalAnswer(refuse('scope_invalid'))
  const audiences = grantAudiences(request.form.get('resource'), services.config.issuer, client.audiences)
  if (audiences === undefined) return refusalAnswer(refuse('resource_invalid'))
  const spent = await proof.spend()
  if (spent !== undefined) return refusalAnswer(spent)
  const claims = machineClaims({
    issuer: services.config.issuer,
    client: { ...client, audiences },
    apiLifetimes: services.config.apiLifetimes,
    scope,
    epochs: currentEpochs(clientSnapshot),
    jkt: client.accessTokenBinding === 'dpop' ? proof.jkt : undefined,
    schemaVersion: schemaVersionOf(services),
    now: clientSnapshot.now,
  })
  const answer: TokenAnswer = {
    access_token: issueAccessToken(services, client, claims),
    token_type: claims.cnf === undefined ? 'Bearer' : 'DPoP',
    expires_in: claims.exp - claims.iat,
    scope,
    server_time: Math.floor(clientSnapshot.now / 1000),
  }
  return json(200, answer)
}
