import {
  type ClaimsRequest,
  type Client,
  grantScope,
  type PushedRequest,
  redirectUriIsRegistered,
} from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import type { Parameters } from '../../http/read-form.ts'
import type { Services } from '../../services.ts'
import { grantAudiences } from '../grant-audiences.ts'

/** Whom an authorization request may be answered to: a client and an address that belong together. */
export interface Target {
  readonly client: Client
  readonly redirectUri: string
  readonly state: string | undefined
}

/** An authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1), read and allowed. */
export interface AuthorizationRequest extends Target {
  /** S256 (RFC 7636 §4.2). */
  readonly challenge: string
  readonly scope: string
  readonly audiences: readonly string[]
  readonly nonce: string | null
  readonly claims: ClaimsRequest | null
  /** Thumbprint of the key that alone may redeem the code (RFC 9449 §10). */
  readonly jkt: string | null
  readonly prompt: 'none' | 'login' | undefined
  /** Where it was pushed: used up with the code that it leads to (RFC 9126 §4). */
  readonly pushed: PushedRequest | null
}

export const stateCharactersAtMost = 2_048

/**
 * Client and redirect URI. Until these are known to belong together nothing is ever redirected (RFC 9700 §4.11): what is refused here is
 * told on a page.
 */
export async function findTarget({ clientFinder }: Services, parameters: Parameters): Promise<Target | Refusal> {
  const clientId = parameters.get('client_id')
  const redirectUri = parameters.get('redirect_uri')
  const client = clientId === undefined ? undefined : (await clientFinder.findFresh(clientId))?.client
  if (client === undefined || client.disabled) return refuse('client_authentication_failed')
  if (redirectUri === undefined || !redirectUriIsRegistered(redirectUri, client.redirectUris)) {
    return refuse('redirect_uri_mismatch')
  }
  return { client, redirectUri, state: parameters.get('state') }
}

/** Everything else: what is refused here is told to the client, at its redirect URI. */
export function judgeRequest(target: Target, parameters: Parameters, issuer: string): AuthorizationRequest | Refusal {
  const { client } = target
  if (!client.firstParty || !client.grantTypes.includes('authorization_code')) return refuse('client_not_allowed')
  if (parameters.get('response_type') !== 'code') return refuse('response_type_unsupported')
  const mode = parameters.get('response_mode')
  if (mode !== undefined && mode !== 'query') return refuse('parameter_invalid')
  const challenge = parameters.get('code_challenge')
  if (challenge === undefined || parameters.get('code_challenge_method') !== 'S256') return refuse('pkce_required')
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) return refuse('parameter_invalid')
  if ((target.state?.length ?? 0) > stateCharactersAtMost) return refuse('parameter_invalid')
  const scope = grantScope(parameters.get('scope'), client.scopes, client.defaultScopes)
  if (scope === undefined) return refuse('scope_invalid')
  const audiences = grantAudiences(parameters.get('resource'), issuer, client.audiences)
  if (audiences === undefined) return refuse('resource_invalid')
  const prompt = parameters.get('prompt')
  if (prompt !== undefined && prompt !== 'none' && prompt !== 'login') return refuse('parameter_invalid')
  const jkt = parameters.get('dpop_jkt') ?? null
  if (jkt !== null && !/^[A-Za-z0-9_-]{43}$/.test(jkt)) return refuse('parameter_invalid')
  return { ...target, challenge, scope, audiences, nonce: null, claims: null, jkt, prompt, pushed: null }
}
