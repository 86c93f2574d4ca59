import {
  type AuthorizationCode,
  type Client,
  codeLifetimeSeconds,
  currentEpochs,
  grantScope,
  hashCode,
  redirectUriIsRegistered,
  type SessionOnlySnapshot,
} from '@countersign/core'
import { isRefusal, type Refusal, reasons, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { pageOfRefusal } from '../hosted/page-answers.ts'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpAnswer } from '../http/message.ts'
import { type Parameters, readForm, readParameters } from '../http/read-form.ts'

/** An authorization request that may be answered at its redirect URI. */
interface AuthorizationRequest {
  readonly client: Client
  readonly redirectUri: string
  readonly state: string | undefined
  readonly challenge: string
  readonly scope: string
  readonly prompt: 'none' | 'login' | undefined
}

const codesAMinute = 20
const stateCharactersAtMost = 2_048
const addressCharactersAtMost = 8_192

/**
 * `GET | POST /authorize` (RFC 6749 §4.1.1, RFC 7636 §4.3). Until client and redirect URI are known to belong together nothing
 * is ever redirected (RFC 9700 §4.11). The request lives in the URL alone: signing in leads back to it, and it is judged anew.
 */
export function authorize(services: HostedServices): Endpoint {
  return async http => {
    const parameters = http.method === 'POST' ? readForm(http) : readParameters(http.query)
    if (isRefusal(parameters)) return pageOfRefusal(services, parameters)
    const target = await findTarget(services, parameters)
    if (isRefusal(target)) return pageOfRefusal(services, target)
    const request = judge(target, parameters)
    if (isRefusal(request)) return redirectWithError(services, target, request)
    const login = await services.cookies.session(http)
    const mustSignIn = login === undefined || request.prompt === 'login'
    if (!mustSignIn) {
      const limited = await limitCodes(services, login)
      return limited === undefined
        ? giveCode(services, request, login)
        : redirectWithError(services, target, limited, 'temporarily_unavailable')
    }
    if (request.prompt === 'none') return redirectWithError(services, target, refuse('login_required'))
    const query = new URLSearchParams([...parameters].filter(([name]) => name !== 'prompt')).toString()
    const location = `/sign-in?return_to=${encodeURIComponent(`/authorize?${query}`)}`
    // What was posted need not fit into an address.
    if (location.length > addressCharactersAtMost)
      return redirectWithError(services, target, refuse('parameter_invalid'))
    return seeOther(location)
  }
}

interface Target {
  readonly client: Client
  readonly redirectUri: string
  readonly state: string | undefined
}

async function findTarget(services: HostedServices, parameters: Parameters): Promise<Target | Refusal> {
  const clientId = parameters.get('client_id')
  const redirectUri = parameters.get('redirect_uri')
  const client = clientId === undefined ? undefined : (await services.store.loadClient(clientId))?.client
  if (client === undefined || client.disabled) return refuse('client_authentication_failed')
  if (redirectUri === undefined || !redirectUriIsRegistered(redirectUri, client.redirectUris)) {
    return refuse('redirect_uri_mismatch')
  }
  return { client, redirectUri, state: parameters.get('state') }
}

function judge(target: Target, parameters: Parameters): AuthorizationRequest | Refusal {
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
  const prompt = parameters.get('prompt')
  if (prompt !== undefined && prompt !== 'none' && prompt !== 'login') return refuse('parameter_invalid')
  return { ...target, challenge, scope, prompt }
}

/** So many codes a minute for one session: each is a row on the disk, and a browser can ask for thousands a second. */
async function limitCodes(
  { counters }: HostedServices,
  { session }: SessionOnlySnapshot,
): Promise<Refusal | undefined> {
  const { allowed, retryAfterSeconds } = await counters.take(`codes ${session.id}`, codesAMinute, 60)
  return allowed ? undefined : refuse('too_many_attempts', { retryAfterSeconds })
}

/** Durable before it is answered: the code is an acknowledged login. */
async function giveCode(
  services: HostedServices,
  request: AuthorizationRequest,
  login: SessionOnlySnapshot,
): Promise<HttpAnswer> {
  const code = services.random(32).toString('base64url')
  const { now, issuer, session, user } = login
  const row: AuthorizationCode = {
    hash: hashCode(code),
    clientId: request.client.id,
    userId: user.id,
    sessionId: session.id,
    redirectUri: request.redirectUri,
    challenge: request.challenge,
    scope: request.scope,
    expiresAt: now + codeLifetimeSeconds * 1000,
    usedAt: null,
    familyId: null,
    failures: 0,
    // What it was begun under: a password change in between outlives it.
    epochs: { ...currentEpochs({ issuer, user, client: request.client }) },
    version: 0,
  }
  const change = { writes: [{ table: 'code' as const, row }], audit: [], entries: [], durable: true, time: now }
  if ((await services.store.commit(change)) === 'conflict') throw new StoreUnavailable('A code could not be stored.')
  return redirect(services, request, { code })
}

/** `as`: the error's name at this endpoint (RFC 6749 §4.1.2.1), where the reason's own is not one of its. */
function redirectWithError(services: HostedServices, target: Target, refusal: Refusal, as?: string): HttpAnswer {
  const { error, text } = reasons[refusal.reason]
  return redirect(services, target, {
    error: as ?? error,
    error_description: refusal.detail ?? text,
    reason: refusal.reason,
  })
}

/** With `iss` (RFC 9207), so that a client of several servers knows who answered. */
function redirect(services: HostedServices, target: Target, parameters: Record<string, string>): HttpAnswer {
  const uri = new URL(target.redirectUri)
  for (const [name, value] of Object.entries(parameters)) uri.searchParams.set(name, value)
  if (target.state !== undefined && target.state.length <= stateCharactersAtMost)
    uri.searchParams.set('state', target.state)
  uri.searchParams.set('iss', services.config.issuer)
  return seeOther(uri.href)
}
