import type { AuthenticatedClient } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { ClientSnapshot } from '@countersign/store'
import { authenticateClient } from '../clients/authenticate-client.ts'
import type { CheckedProof } from '../dpop/proof-checker.ts'
import { refusalAnswer } from '../http/answers.ts'
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
  /** Not spent yet: the grant type does that once it knows that the request is not a stranger's. */
  readonly proof: CheckedProof
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
    if (isRefusal(proof)) return refusalAnswer(proof)
    return grantTypes[grantType](services, { http, form, client, clientSnapshot: authenticated, proof })
  }
}

function isGrantType(word: string): word is keyof typeof grantTypes {
  return Object.hasOwn(grantTypes, word)
}

export function missing(name: string): Refusal {
  return refuse('parameter_missing', { detail: `The parameter '${name}' is missing.` })
}
