import {
  acrValues,
  type ClientAuthenticationMethod,
  claimScopes,
  signingAlgorithms,
  standardClaimNames,
} from '@countersign/core'
import { registrationPolicy } from '../clients/registration/registered-client.ts'
import { proofAlgorithms } from '../dpop/proof-algorithms.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { json } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import type { Services } from '../services.ts'
import { prompts } from './authorize/read-authentication.ts'
import { supportedGrantTypes } from './token.ts'

/** Published long enough ahead of use that every verifier has it: the schedule of keys counts on this number. */
export const jwksMaxAgeSeconds = 300

const confidentialMethods: readonly ClientAuthenticationMethod[] = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
]

/** How clients authenticate at an endpoint (RFC 8414 §2). */
function metadataOf(endpoint: string, methods: readonly ClientAuthenticationMethod[]): Record<string, unknown> {
  return {
    [`${endpoint}_auth_methods_supported`]: methods,
    [`${endpoint}_auth_signing_alg_values_supported`]: proofAlgorithms,
  }
}

const cacheable = { 'cache-control': `public, max-age=${jwksMaxAgeSeconds}` }

/** What an ID token says of itself and of the sign-in. */
const idTokenClaimNames = ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'acr', 'amr', 'at_hash', 'sid']

/** `GET /.well-known/oauth-authorization-server` and `…/openid-configuration` (RFC 8414 §2). */
export function discovery(services: HostedServices): Endpoint {
  const { issuer } = services.config
  const registration = registrationPolicy(services)
  const document = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    pushed_authorization_request_endpoint: `${issuer}/par`,
    device_authorization_endpoint: `${issuer}/device_authorization`,
    revocation_endpoint: `${issuer}/revoke`,
    introspection_endpoint: `${issuer}/introspect`,
    jwks_uri: `${issuer}/jwks`,
    ...(registration.mode !== 'closed' && { registration_endpoint: `${issuer}/register` }),
    ...(registration.metadataDocuments && { client_id_metadata_document_supported: true }),
    revocations_endpoint: `${issuer}/revocations`,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    prompt_values_supported: prompts,
    grant_types_supported: supportedGrantTypes,
    code_challenge_methods_supported: ['S256'],
    ...metadataOf('token_endpoint', ['none', ...confidentialMethods]),
    ...metadataOf('revocation_endpoint', ['none', ...confidentialMethods]),
    ...metadataOf('introspection_endpoint', confidentialMethods),
    dpop_signing_alg_values_supported: proofAlgorithms,
    authorization_response_iss_parameter_supported: true,
    userinfo_endpoint: `${issuer}/userinfo`,
    end_session_endpoint: `${issuer}/logout`,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    subject_types_supported: ['public', 'pairwise'],
    id_token_signing_alg_values_supported: signingAlgorithms,
    acr_values_supported: acrValues,
    scopes_supported: ['openid', ...claimScopes, 'offline_access', 'account'],
    claim_types_supported: ['normal'],
    claims_supported: [...idTokenClaimNames, ...standardClaimNames],
    claims_parameter_supported: true,
    request_parameter_supported: false,
    // Left out it would mean yes (OpenID Connect Discovery §3). Pushed requests are another thing.
    request_uri_parameter_supported: false,
    ui_locales_supported: services.languages.all.map(({ tag }) => tag),
  }
  return () => json(200, document, cacheable)
}

/** `GET /jwks` (RFC 7517 §5). */
export function jwks(services: Services): Endpoint {
  return () => ({
    status: 200,
    headers: { 'content-type': 'application/jwk-set+json', ...cacheable },
    body: services.keys.jwks(),
  })
}
