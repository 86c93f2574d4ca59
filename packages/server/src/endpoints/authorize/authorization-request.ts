import {
  type AuthenticationDemand,
  type ClaimsRequest,
  type Client,
  type Instant,
  knownScope,
  mayOmitPkce,
  redirectUriIsRegistered,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Parameters } from '../../http/read-form.ts'
import type { Services } from '../../services.ts'
import { grantAudiences } from '../grant-audiences.ts'
import { missing } from '../token-request.ts'
import { invalid } from './invalid-parameter.ts'
import { type Prompt, readAuthentication } from './read-authentication.ts'

/** Whom an authorization request may be answered to: a client and an address that belong together. */
export interface Target {
  readonly client: Client
  readonly redirectUri: string
  readonly state: string | undefined
  readonly responseMode: 'query' | 'form_post'
  /** When the request came, by the store's clock. */
  readonly now: Instant
}

/** An authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1), read and allowed. */
export interface AuthorizationRequest extends Target {
  /** S256 (RFC 7636 §4.2); null: none, which only a client that may omit it can. */
  readonly challenge: string | null
  readonly scope: string
  readonly audiences: readonly string[]
  readonly nonce: string | null
  readonly claims: ClaimsRequest | null
  /** Thumbprint of the key that alone may redeem the code (RFC 9449 §10). */
  readonly jkt: string | null
  readonly prompt: ReadonlySet<Prompt>
  readonly demand: AuthenticationDemand
  /** The user must be each of these (`id_token_hint`, `sub` in `claims`). */
  readonly subjects: readonly string[]
}

export const stateCharactersAtMost = 2_048
const nonceCharactersAtMost = 2_048

/**
 * Client and redirect URI. Until these are known to belong together nothing is ever redirected (RFC 9700 §4.11): what is refused here is
 * told on a page.
 */
export async function findTarget({ clientFinder }: Services, parameters: Parameters): Promise<Target | Refusal> {
  const clientId = parameters.get('client_id')
  const redirectUri = parameters.get('redirect_uri')
  if (clientId === undefined) return missing('client_id')
  const found = await clientFinder.find(clientId)
  if (found === undefined || found.client.disabled) return refuse('client_authentication_failed')
  const { client, now } = found
  if (redirectUri === undefined || !redirectUriIsRegistered(redirectUri, client.redirectUris)) {
    return refuse('redirect_uri_mismatch')
  }
  const responseMode = modeOf(parameters, redirectUri) ?? 'query'
  return { client, redirectUri, state: parameters.get('state'), responseMode, now }
}

/** Everything else: what is refused here is told to the client, at its redirect URI. */
export function judgeRequest(
  services: Services,
  target: Target,
  parameters: Parameters,
): AuthorizationRequest | Refusal {
  const { client, redirectUri, state } = target
  if (!client.grantTypes.includes('authorization_code')) return refuse('client_not_allowed')
  if (parameters.has('request')) return refuse('request_object_unsupported')
  if (parameters.has('request_uri')) return refuse('request_uri_unsupported')
  if (!parameters.has('response_type')) return missing('response_type')
  if (parameters.get('response_type') !== 'code') return refuse('response_type_unsupported')
  if (modeOf(parameters, redirectUri) === undefined) return invalid('response_mode')
  if ((state?.length ?? 0) > stateCharactersAtMost) return invalid('state')
  const nonce = parameters.get('nonce') ?? null
  if (nonce !== null && nonce.length > nonceCharactersAtMost) return invalid('nonce')
  const challenge = readChallenge(client, parameters)
  if (isRefusal(challenge)) return challenge
  const jkt = parameters.get('dpop_jkt') ?? null
  if (jkt !== null && !isSha256(jkt)) return invalid('dpop_jkt')
  const scope = readScope(client, parameters)
  if (scope === undefined) return refuse('scope_invalid')
  const audiences = grantAudiences(parameters.get('resource'), services.config.issuer, client.audiences)
  if (audiences === undefined) return refuse('resource_invalid')
  const authentication = readAuthentication(services, client, parameters)
  if (isRefusal(authentication)) return authentication
  return { ...target, challenge, scope, audiences, nonce, jkt, ...authentication }
}

/** A form reaches only addresses of the web. */
function modeOf(parameters: Parameters, redirectUri: string): 'query' | 'form_post' | undefined {
  const mode = parameters.get('response_mode') ?? 'query'
  if (mode === 'query') return mode
  return mode === 'form_post' && /^https?:/.test(redirectUri) ? mode : undefined
}

/** RFC 7636 §4.3; `plain` is no proof of anything (RFC 9700 §2.1.1). */
function readChallenge(client: Client, parameters: Parameters): string | null | Refusal {
  const challenge = parameters.get('code_challenge')
  const method = parameters.get('code_challenge_method')
  if (challenge === undefined && method === undefined && mayOmitPkce(client)) return null
  if (challenge === undefined || method !== 'S256') return refuse('pkce_required')
  return isSha256(challenge) ? challenge : invalid('code_challenge')
}

/** `access_type=offline` is another name for the scope, which is nothing to a client that may not refresh (OpenID Connect Core §11). */
function readScope(client: Client, parameters: Parameters): string | undefined {
  const scope = knownScope(parameters.get('scope'), client.scopes, client.defaultScopes)
  if (scope === undefined) return undefined
  const words = scope.split(' ').filter(word => word !== '' && word !== offlineAccess)
  const wantsOffline = scope.split(' ').includes(offlineAccess) || parameters.get('access_type') === 'offline'
  const mayBeOffline = client.grantTypes.includes('refresh_token') && client.scopes.includes(offlineAccess)
  return [...words, ...(wantsOffline && mayBeOffline ? [offlineAccess] : [])].join(' ')
}

const offlineAccess = 'offline_access'

function isSha256(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}
