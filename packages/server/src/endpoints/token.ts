import type { AuthenticatedClient } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { ClientSnapshot } from '@countersign/store'
import { authenticateClient } from '../clients/authenticate-client.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { type Parameters, readForm } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { redeemAuthorizationCode } from './token-authorization-code.ts'
import { grantClientCredentials } from './token-client-credentials.ts'
import { refreshTokens } from './token-refresh.ts'

/** What a grant type gets: a client that has authenticated, and a proof that was checked. */
export interface TokenRequest {
  readonly http: HttpRequest
  readonly form: Parameters
  readonly client: AuthenticatedClient
  readonly clientSnapshot: ClientSnapshot
  /** The key of the DPoP proof, if there was one. */
  readonly jkt: string | undefined
}

export type GrantTypeHandler = (services: Services, request: TokenRequest) => Promise<HttpAnswer>

const grantTypes = {
  authorization_code: redeemAuthorizationCode,
  refresh_token: refreshTokens,
  client_credentials: grantClientCredentials,
} as const satisfies Record<string, GrantTypeHandler>

/** `POST /token` (RFC 6749 §3.2): read → authenticate the client → check the proof → the grant type. */
export function token(services: Services): Endpoint {
  return async http => {
    const form = readForm(http)
    if (isRefusal(form)) return refusalAnswer(form)
    const grantType = form.get('grant_type')
    if (grantType === undefined) return refusalAnswer(missing('grant_type'))
    const authenticated = await authenticateClient(services.store, http, form)
    if (isRefusal(authenticated)) return refusalAnswer(authenticated)
    if (!isGrantType(grantType)) return refusalAnswer(refuse('grant_type_unsupported'))
    const { client } = authenticated
    if (!client.grantTypes.includes(grantType)) return refusalAnswer(refuse('client_not_allowed'))
    const proof = services.proofs.check(http)
    if (isRefusal(proof)) return proofRefusalAnswer(services, proof, authenticated.now)
    return grantTypes[grantType](services, { http, form, client, clientSnapshot: authenticated, jkt: proof.jkt })
  }
}

function isGrantType(word: string): word is keyof typeof grantTypes {
  return Object.hasOwn(grantTypes, word)
}

export function missing(name: string): Refusal {
  return refuse('parameter_missing', { detail: `The parameter '${name}' is missing.` })
}

/** With a nonce and the time, so that a client with a wrong clock can do better at once (RFC 9449 §8). */
export function proofRefusalAnswer(services: Services, refusal: Refusal, now: number): HttpAnswer {
  const answer = refusalAnswer(refusal, { 'dpop-nonce': services.proofs.nonce() })
  const body = { ...JSON.parse(String(answer.body)), server_time: Math.floor(now / 1000) }
  return json(answer.status, body, answer.headers)
}
