import { isRefusal, refuse } from '@countersign/protocol'
import { authenticateClient } from '../clients/authenticate-client.ts'
import { checkClientProof } from '../dpop/client-proof.ts'
import { refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer } from '../http/message.ts'
import { readForm, repeatableTargets } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { deviceGrantType } from './device-authorization.ts'
import { redeemAuthorizationCode } from './token-authorization-code.ts'
import { grantClientCredentials } from './token-client-credentials.ts'
import { pollForDevice } from './token-device-code.ts'
import { exchange } from './token-exchange.ts'
import { loadPresentedLogin, refreshTokens } from './token-refresh.ts'
import { missing, type TokenRequest } from './token-request.ts'

const grantTypes = {
  authorization_code: redeemAuthorizationCode,
  refresh_token: refreshTokens,
  client_credentials: grantClientCredentials,
  [deviceGrantType]: pollForDevice,
  'urn:ietf:params:oauth:grant-type:token-exchange': exchange,
} as const satisfies Record<string, (services: Services, request: TokenRequest) => Promise<HttpAnswer>>

export const supportedGrantTypes: readonly string[] = Object.keys(grantTypes)

/** `POST /token` (RFC 6749 §3.2): read → authenticate the client → check the proof → the grant type. */
export function token(services: Services): Endpoint {
  return async http => {
    const form = readForm(http, repeatableTargets)
    if (isRefusal(form)) return refusalAnswer(form)
    const grantType = form.get('grant_type')
    if (grantType === undefined) return refusalAnswer(missing('grant_type'))
    const login = grantType === 'refresh_token' ? await loadPresentedLogin(services, form) : undefined
    const authenticated = await authenticateClient(services, http, form, { loaded: login?.snapshot })
    if (isRefusal(authenticated)) return refusalAnswer(authenticated)
    if (!isGrantType(grantType)) return refusalAnswer(refuse('grant_type_unsupported'))
    const { client } = authenticated
    if (!client.grantTypes.includes(grantType)) return refusalAnswer(refuse('client_not_allowed'))
    // Made once, and there for good: a decision and its signature do not wait.
    if (client.scopes.includes('openid')) await services.keys.want(client.idTokenAlgorithm)
    const proof = checkClientProof(services, client, http)
    if (isRefusal(proof)) return refusalAnswer(proof)
    return grantTypes[grantType](services, { http, form, client, clientSnapshot: authenticated, proof, login })
  }
}

function isGrantType(word: string): word is keyof typeof grantTypes {
  return Object.hasOwn(grantTypes, word)
}
