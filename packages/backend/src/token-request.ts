import { isRefusal } from '@countersign/protocol'
import { CallFailure } from './call-failure.ts'
import { askIssuer, basicAuthorization, limited } from './issuer-call.ts'
import type { Platform } from './platform.ts'

/** What a machine token is for. Each combination is a token of its own. */
export interface TokenTarget {
  /** Scopes, separated by spaces (RFC 6749 §3.3). Default: what the client has. */
  readonly scope?: string
  /** The API that the token is meant for (RFC 8707). */
  readonly resource?: string
}

export interface MachineClient {
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly clientSecret: string
}

export interface ReceivedToken {
  readonly token: string
  readonly lifetimeSeconds: number
}

const requestLimitMilliseconds = 10_000

/** RFC 6749 leaves `expires_in` out at will; then we come back soon. */
const unknownLifetimeSeconds = 60

/** One request to the token endpoint with grant type `client_credentials` (RFC 6749 §4.4). Throws `CallFailure`. */
export async function requestToken(
  platform: Platform,
  client: MachineClient,
  target: TokenTarget,
): Promise<ReceivedToken> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (target.scope !== undefined) form.set('scope', target.scope)
  if (target.resource !== undefined) form.set('resource', target.resource)
  const headers = {
    Authorization: basicAuthorization(client.clientId, client.clientSecret),
    Accept: 'application/json',
  }
  const init = limited(platform, { method: 'POST', headers, body: form }, requestLimitMilliseconds)
  const what = `token request of ${client.clientId} to ${client.tokenEndpoint}`
  const answer = await askIssuer(what, () => platform.fetch(client.tokenEndpoint, init))
  if (isRefusal(answer)) {
    throw new CallFailure(`${what}: refused (${answer.reason})`, {
      refusal: answer,
      retryAfterSeconds: answer.retryAfterSeconds,
    })
  }
  return readToken(what, answer.body)
}

function readToken(what: string, body: unknown): ReceivedToken {
  const fields = (body ?? {}) as { access_token?: unknown; token_type?: unknown; expires_in?: unknown }
  const { access_token: token, token_type: type, expires_in: lifetimeSeconds = unknownLifetimeSeconds } = fields
  // Anything but these characters (RFC 6750 §2.1) would make `fetch` throw an error that quotes the token.
  const isToken = typeof token === 'string' && /^[A-Za-z0-9\-._~+/]+=*$/.test(token)
  if (!isToken || typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    throw new CallFailure(`${what}: the answer holds no bearer token`)
  }
  if (typeof lifetimeSeconds !== 'number' || !(lifetimeSeconds > 0) || !Number.isFinite(lifetimeSeconds)) {
    throw new CallFailure(`${what}: the answer has no usable expires_in`)
  }
  return { token, lifetimeSeconds }
}
