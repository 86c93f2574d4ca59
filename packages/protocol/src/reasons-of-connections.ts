/** Rows of the table in `reasons.ts`: signing in with others (docs/connections.md). */
export const connectionReasons = {
  connection_unknown: ['not_found', 404, 'There is no such way to sign in.', 'docs/connections.md'],
  connection_state_invalid: [
    'invalid_request',
    400,
    'The sign-in was not begun in this browser, took too long, or has come to its end before.',
    'RFC 6749 §10.12',
  ],
  connection_denied: ['access_denied', 403, 'The person or the provider has said no.', 'RFC 6749 §4.1.2.1'],
  connection_answer_invalid: [
    'access_denied',
    403,
    'What the provider has answered cannot be believed.',
    'OpenID Connect Core §3.1.3.7',
  ],
  connection_account_exists: [
    'account_exists',
    409,
    'There is an account with this address already; sign in to it, and link the connection there.',
    'docs/connections.md',
  ],
  identity_taken: [
    'identity_taken',
    409,
    'That account of the provider belongs to another user here.',
    'docs/connections.md',
  ],
  identity_unknown: ['not_found', 404, 'The user has no such way to sign in.', 'docs/connections.md'],
  last_way_in: ['last_way_in', 409, 'It is the last way in which the user can sign in.', 'docs/connections.md'],
  reauthentication_required: [
    'login_required',
    401,
    'The user has to sign in once more before this.',
    'docs/connections.md',
  ],
  provider_token_invalid: [
    'invalid_request',
    400,
    'The token of the provider does not stand, or was not made for this application.',
    'docs/connections.md',
  ],
  security_event_invalid: [
    'invalid_request',
    400,
    'The notice is not one of the provider, or not for this application.',
    'RFC 8935 §2.4',
  ],
  provider_token_missing: [
    'not_found',
    404,
    'No token of this provider is kept for the user, or it stands no more.',
    'docs/connections.md',
  ],
} as const
