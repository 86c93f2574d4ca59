/**
 * The one table that says what the world sees of a refusal: reason → `error` → HTTP status → text → source.
 *
 * A reason is a stable word: programs may branch on it, so it is never renamed (docs/errors.md lists them all,
 * and a test keeps that page equal to this table). Where telling the exact cause would help an attacker, several
 * causes share one reason on purpose; the text of such a row says so.
 *
 * @module
 */

import { connectionReasons } from './reasons-of-connections.ts'

/** The shape of one row: what a refusal with this reason looks like on the wire. */
export interface ReasonRow {
  /** The `error` code of the RFC (RFC 6749 §5.2, RFC 6750 §3.1, RFC 9449 §5, §7.1), or ours where none fits. */
  readonly error: string
  /** HTTP status. */
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 431 | 503
  /** `error_description`: one sentence for a developer. Never holds request data. */
  readonly text: string
  /** Where the rule comes from. */
  readonly source: string
}

type Row = readonly [error: string, status: ReasonRow['status'], text: string, source: string]

/** reason: [error, status, text, source] */
const table = {
  // Requests that cannot be read
  request_malformed: ['invalid_request', 400, 'The request could not be read.', 'RFC 6749 §5.2'],
  parameter_missing: ['invalid_request', 400, 'A required parameter is missing.', 'RFC 6749 §5.2'],
  parameter_invalid: ['invalid_request', 400, 'A parameter has a value that is not allowed.', 'RFC 6749 §5.2'],
  parameter_duplicated: ['invalid_request', 400, 'A parameter was given more than once.', 'RFC 6749 §3.1'],
  body_too_large: ['invalid_request', 413, 'The request body is too large.', 'RFC 9110 §15.5.14'],
  headers_too_large: ['invalid_request', 431, 'The request header is too large.', 'RFC 6585 §5'],
  content_type_unsupported: [
    'invalid_request',
    415,
    'The content type of the body is not supported.',
    'RFC 9110 §15.5.16',
  ],
  method_not_allowed: ['invalid_request', 405, 'The method is not allowed here.', 'RFC 9110 §15.5.6'],
  not_found: ['not_found', 404, 'There is nothing here.', 'RFC 9110 §15.5.5'],
  transport_insecure: [
    'invalid_request',
    400,
    'Plain HTTP is accepted on loopback or behind a trusted proxy only.',
    'RFC 9700 §2.6',
  ],
  origin_refused: ['access_denied', 403, 'The request comes from another site.', 'Fetch metadata'],
  csrf_refused: ['access_denied', 403, 'The anti-forgery token is missing or wrong.', 'RFC 6749 §10.12'],

  // Clients
  client_authentication_failed: [
    'invalid_client',
    401,
    'The client is unknown or its authentication failed.',
    'RFC 6749 §5.2',
  ],
  client_not_allowed: [
    'unauthorized_client',
    400,
    'The client may not use this grant type or endpoint.',
    'RFC 6749 §5.2',
  ],
  client_unknown: ['not_found', 404, 'There is no such client.', 'docs/http.md'],
  client_taken: ['client_taken', 409, 'There is a client of this id already.', 'docs/http.md'],
  client_declared: [
    'client_declared',
    409,
    'The client is declared in the configuration file and can be changed only there.',
    'docs/configuration.md',
  ],
  registration_closed: ['access_denied', 403, 'Clients cannot register themselves here.', 'RFC 7591 §3'],
  registration_token_invalid: [
    'invalid_token',
    401,
    'The token is none that allows this registration.',
    'RFC 7591 §3, RFC 7592 §2',
  ],
  redirect_uri_unacceptable: [
    'invalid_redirect_uri',
    400,
    'A redirect URI is missing, malformed or of a kind that is not allowed.',
    'RFC 7591 §3.2.2',
  ],
  client_metadata_invalid: [
    'invalid_client_metadata',
    400,
    'The metadata of the client is malformed or contradicts itself.',
    'RFC 7591 §3.2.2',
  ],
  grant_type_unsupported: ['unsupported_grant_type', 400, 'The grant type is not supported.', 'RFC 6749 §5.2'],
  response_type_unsupported: [
    'unsupported_response_type',
    400,
    'The response type is not supported.',
    'RFC 6749 §4.1.2.1',
  ],
  redirect_uri_mismatch: [
    'invalid_request',
    400,
    'The redirect URI is not registered for this client.',
    'RFC 9700 §4.1.3',
  ],
  request_object_unsupported: [
    'request_not_supported',
    400,
    'Request objects (request) are not supported.',
    'OpenID Connect Core §6.1',
  ],
  request_uri_unsupported: [
    'request_uri_not_supported',
    400,
    'Requests by reference (request_uri) are not supported.',
    'OpenID Connect Core §6.2',
  ],
  scope_invalid: [
    'invalid_scope',
    400,
    'The scope is unknown, malformed or exceeds what may be asked for.',
    'RFC 6749 §5.2',
  ],
  resource_invalid: ['invalid_target', 400, 'The resource is unknown or exceeds what was granted.', 'RFC 8707 §2'],
  pkce_required: ['invalid_request', 400, 'A code_challenge with method S256 is required.', 'RFC 9700 §2.1.1'],

  // Pushed authorization requests
  request_uri_invalid: [
    'invalid_request_uri',
    400,
    'The request_uri is unknown, expired, used, or was pushed by another client.',
    'RFC 9126 §4',
  ],
  pushed_request_required: [
    'invalid_request',
    400,
    'The client has to push its authorization requests.',
    'RFC 9126 §6',
  ],

  // Authorization codes
  code_invalid: [
    'invalid_grant',
    400,
    'The code is unknown, expired, used, or belongs to another request.',
    'RFC 6749 §5.2',
  ],
  code_reused: ['invalid_grant', 400, 'The code was used before; what it gave has been ended.', 'RFC 6749 §4.1.2'],

  // Device authorization
  authorization_pending: [
    'authorization_pending',
    400,
    'The user has not answered yet; ask again after the interval.',
    'RFC 8628 §3.5',
  ],
  polled_too_soon: [
    'slow_down',
    400,
    'The device asks too often; from now on wait five seconds longer each time.',
    'RFC 8628 §3.5',
  ],
  device_code_invalid: [
    'invalid_grant',
    400,
    'The device code is unknown, used, belongs to another client, or what it was approved under has ended.',
    'RFC 8628 §3.5',
  ],
  device_code_expired: ['expired_token', 400, 'The device code has expired.', 'RFC 8628 §3.5'],
  device_denied: ['access_denied', 400, 'The user has refused.', 'RFC 8628 §3.5'],
  user_code_invalid: [
    'invalid_request',
    400,
    'The user code is unknown, expired, answered, or entered by somebody else.',
    'RFC 8628 §3.3',
  ],

  // Back-channel logout, at applications
  logout_token_invalid: [
    'invalid_request',
    400,
    'The logout token does not stand, or is not for this application.',
    'OpenID Connect Back-Channel Logout §2.6',
  ],

  // Token exchange
  subject_token_invalid: [
    'invalid_request',
    400,
    'The subject token does not stand, or is not addressed to this client.',
    'RFC 8693 §2.2.2',
  ],
  actor_token_invalid: [
    'invalid_request',
    400,
    'The actor token does not stand, or is not of this client.',
    'RFC 8693 §2.2.2',
  ],
  actor_not_allowed: ['invalid_request', 400, 'The subject token does not let this actor act.', 'RFC 8693 §4.4'],

  // Refresh tokens, in the order of the decision table (docs/refresh.md)
  refresh_token_invalid: [
    'invalid_grant',
    400,
    'The refresh token is malformed or was not issued here.',
    'RFC 6749 §5.2',
  ],
  family_unknown: ['invalid_grant', 400, 'The login of this refresh token does not exist any more.', 'RFC 6749 §5.2'],
  client_mismatch: ['invalid_grant', 400, 'The refresh token was issued to another client.', 'RFC 6749 §5.2'],
  refresh_token_reused: [
    'invalid_grant',
    400,
    'The refresh token was used before; its login has been ended.',
    'RFC 9700 §4.14',
  ],
  session_ended: ['invalid_grant', 400, 'The session has been ended.', 'RFC 6749 §5.2'],
  authorization_revoked: [
    'invalid_grant',
    400,
    'What this login was authorised under has been revoked.',
    'RFC 6749 §5.2',
  ],
  user_disabled: ['invalid_grant', 400, 'The user is disabled or deleted.', 'RFC 6749 §5.2'],
  session_idle_expired: ['invalid_grant', 400, 'The session was not used for too long.', 'RFC 6749 §5.2'],
  session_expired: ['invalid_grant', 400, 'The session has reached its absolute end.', 'RFC 6749 §5.2'],

  // Access tokens at an API (RFC 6750 §3.1)
  token_missing: ['invalid_token', 401, 'An access token is required.', 'RFC 6750 §3'],
  token_malformed: ['invalid_token', 401, 'The access token is malformed.', 'RFC 6750 §3.1'],
  token_type_unexpected: ['invalid_token', 401, 'The token is not an access token.', 'RFC 8725 §3.11'],
  algorithm_not_allowed: ['invalid_token', 401, 'The signature algorithm is not allowed.', 'RFC 8725 §3.1'],
  key_unknown: [
    'invalid_token',
    401,
    'The token is signed with a key that the issuer does not publish.',
    'RFC 7515 §6',
  ],
  signature_invalid: ['invalid_token', 401, 'The signature is wrong.', 'RFC 7515 §5.2'],
  claims_invalid: ['invalid_token', 401, 'A required claim is missing or malformed.', 'RFC 9068 §4'],
  issuer_mismatch: ['invalid_token', 401, 'The token is from another issuer.', 'RFC 9068 §4'],
  audience_mismatch: ['invalid_token', 401, 'The token is meant for another API.', 'RFC 9068 §4'],
  token_expired: ['invalid_token', 401, 'The token has expired.', 'RFC 7519 §4.1.4'],
  token_not_yet_valid: ['invalid_token', 401, 'The token is not valid yet.', 'RFC 7519 §4.1.5'],
  token_issued_in_future: ['invalid_token', 401, 'The token was issued in the future.', 'RFC 7519 §4.1.6'],
  token_too_old: ['invalid_token', 401, 'The token is older than this endpoint accepts.', 'RFC 9470 §3'],
  authentication_insufficient: [
    'insufficient_user_authentication',
    401,
    'This endpoint requires a more recent or a stronger login.',
    'RFC 9470 §3',
  ],
  token_revoked: ['invalid_token', 401, 'The token has been revoked.', 'RFC 6750 §3.1'],
  token_outdated: [
    'invalid_token',
    401,
    'What the token tells of its user has changed since, or in how it is told; get a new one.',
    'docs/claims.md',
  ],
  token_inactive: ['invalid_token', 401, 'The issuer says that the token is not active.', 'RFC 7662 §2.2'],
  countersign_invalid: ['invalid_token', 401, 'The token does not bear the mark of its issuer.', 'ARCHITECTURE.md'],
  scope_insufficient: [
    'insufficient_scope',
    403,
    'The token lacks a scope that this endpoint requires.',
    'RFC 6750 §3.1',
  ],
  token_ambiguous: ['invalid_request', 400, 'The request carries more than one access token.', 'RFC 6750 §2'],

  // Proof of possession (RFC 9449)
  proof_required: ['invalid_dpop_proof', 400, 'A DPoP proof is required.', 'RFC 9449 §5'],
  proof_invalid: [
    'invalid_dpop_proof',
    400,
    'The DPoP proof is malformed or does not match the request.',
    'RFC 9449 §4.3',
  ],
  proof_replayed: ['invalid_dpop_proof', 400, 'The DPoP proof was used before.', 'RFC 9449 §11.1'],
  proof_key_mismatch: [
    'invalid_grant',
    400,
    'The DPoP proof is made with another key than the one the token is bound to.',
    'RFC 9449 §5',
  ],
  proof_nonce_required: ['use_dpop_nonce', 400, 'The DPoP proof must carry the nonce of this answer.', 'RFC 9449 §8'],
  token_bound: ['invalid_token', 401, 'The token is bound to a key; a proof of it is required.', 'RFC 9449 §7.1'],
  token_binding_mismatch: [
    'invalid_token',
    401,
    'The proof is made with another key than the one the token is bound to.',
    'RFC 9449 §7.1',
  ],
  binding_required: ['invalid_token', 401, 'This endpoint requires a token that is bound to a key.', 'RFC 9449 §6'],

  // Users
  login_failed: ['login_failed', 401, 'The address or the password is wrong.', 'docs/http.md: one reason for both'],
  mail_link_invalid: [
    'invalid_request',
    400,
    'The link was used, is too old, or never was one of ours; which of them is not told.',
    'docs/mail.md',
  ],
  email_taken: ['email_taken', 409, 'There is a user with this address already.', 'docs/http.md'],
  email_invalid: ['invalid_request', 400, 'The address is not a valid e-mail address.', 'RFC 5321 §4.1.2'],
  password_unacceptable: [
    'invalid_request',
    400,
    'The password is too short, too long or too common.',
    'NIST SP 800-63B §3.1.1',
  ],
  password_hash_unsupported: [
    'invalid_request',
    400,
    'The password hash has no form that is known here, or would cost too much to judge.',
    'docs/moving.md',
  ],
  signup_closed: ['signup_closed', 403, 'Sign-up is closed.', 'docs/http.md'],
  invitation_required: ['signup_closed', 403, 'An account is made with an invitation only.', 'docs/sign-up.md'],
  invitation_unknown: ['not_found', 404, 'There is no such invitation, or it is over.', 'docs/sign-up.md'],
  mail_not_configured: ['invalid_request', 400, 'There is no mail server by which it could be sent.', 'docs/mail.md'],
  passwords_off: ['access_denied', 403, 'Nobody signs in by password here; there are other ways.', 'docs/sign-up.md'],
  audit_pruned: ['not_found', 404, 'The rows were removed from the audit log.', 'docs/audit.md'],
  user_unknown: ['not_found', 404, 'There is no such user.', 'docs/http.md'],
  session_unknown: ['not_found', 404, 'There is no such session.', 'docs/http.md'],
  login_required: ['login_required', 401, 'The user has to sign in.', 'OpenID Connect Core §3.1.2.6'],
  consent_required: [
    'consent_required',
    401,
    'The user has to be asked for their consent.',
    'OpenID Connect Core §3.1.2.6',
  ],
  access_denied: ['access_denied', 403, 'The user has not allowed it.', 'RFC 6749 §4.1.2.1'],
  authentication_unmet: [
    'unmet_authentication_requirements',
    401,
    'The user cannot sign in as strongly as was asked for.',
    'OpenID Connect Unmet Authentication Requirements §2',
  ],
  grant_unknown: ['not_found', 404, 'The user has not allowed this application anything.', 'docs/http.md'],
  external_id_taken: [
    'external_id_taken',
    409,
    'The address belongs to a user who is known under another identity.',
    'docs/http.md',
  ],

  // Try again later; never a judgement on the credential
  connection_unavailable: [
    'temporarily_unavailable',
    503,
    'The provider cannot be reached right now.',
    'docs/connections.md',
  ],
  too_many_attempts: ['too_many_attempts', 429, 'Too many attempts; try again later.', 'RFC 6585 §4'],
  revocations_stale: [
    'temporarily_unavailable',
    503,
    'Whether the token still stands cannot be told right now.',
    'docs/revocation.md',
  ],
  keys_unavailable: [
    'temporarily_unavailable',
    503,
    'The keys of the issuer cannot be fetched right now.',
    'RFC 9110 §15.6.4',
  ],
  unavailable: ['temporarily_unavailable', 503, 'The service cannot answer right now.', 'RFC 9110 §15.6.4'],
} as const

/** A stable word for an expected "no". */
export type Reason = keyof typeof table | keyof typeof connectionReasons

/** The table: every reason with what the world sees of it. */
export const reasons: Readonly<Record<Reason, ReasonRow>> = Object.fromEntries(
  Object.entries<Row>({ ...table, ...connectionReasons }).map(([reason, [error, status, text, source]]) => [
    reason,
    { error, status, text, source },
  ]),
) as Record<Reason, ReasonRow>

/** True for a word of the table (for values that arrive over the wire). */
export function isReason(word: string): word is Reason {
  return Object.hasOwn(reasons, word)
}
