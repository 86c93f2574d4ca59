import type { Instant, RandomBytes } from '../ids.ts'

/** `typ` of a logout token: it is neither an ID token nor an access token (OpenID Connect Back-Channel Logout §2.4). */
export const logoutTokenType = 'logout+jwt'

/** An attempt takes seconds; clocks differ. */
const lifetimeSeconds = 120

/**
 * The claims of a logout token (§2.4). It always names the session. The user is left out once nothing is known of them any more.
 */
export function logoutTokenClaims(request: {
  issuer: string
  clientId: string
  sub: string | undefined
  /** The session, as the client knows it (`sessionNameFor`). */
  sid: string
  now: Instant
  random: RandomBytes
}): Readonly<Record<string, unknown>> {
  const issuedAt = Math.floor(request.now / 1000)
  return {
    iss: request.issuer,
    ...(request.sub !== undefined && { sub: request.sub }),
    aud: request.clientId,
    iat: issuedAt,
    exp: issuedAt + lifetimeSeconds,
    jti: request.random(16).toString('base64url'),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    sid: request.sid,
  }
}
