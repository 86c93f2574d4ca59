import { authenticationMethods, type Client } from '@countersign/core'

/** What is registered of a client, in the words of RFC 7591 §2: all of it, defaults too (§3.2.1). No secret. */
export function metadataOfClient(client: Client): Readonly<Record<string, unknown>> {
  const { description, grantTypes } = client
  return {
    client_id: client.id,
    ...(client.createdAt !== null && { client_id_issued_at: Math.floor(client.createdAt / 1000) }),
    client_name: client.name,
    client_uri: description.uri,
    logo_uri: description.logoUri,
    policy_uri: description.policyUri,
    tos_uri: description.termsUri,
    contacts: description.contacts,
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: listed(client.postLogoutRedirectUris),
    backchannel_logout_uri: client.backchannelLogoutUri ?? undefined,
    grant_types: grantTypes,
    response_types: grantTypes.includes('authorization_code') ? ['code'] : [],
    scope: client.scopes.join(' '),
    token_endpoint_auth_method: authenticationMethods(client)[0],
    token_endpoint_auth_signing_alg: client.assertionAlgorithm ?? undefined,
    jwks: client.jwks.length > 0 ? { keys: client.jwks } : undefined,
    jwks_uri: client.jwksUri ?? undefined,
    id_token_signed_response_alg: client.idTokenAlgorithm,
    subject_type: client.subjectType,
    default_max_age: client.defaultMaxAgeSeconds ?? undefined,
    dpop_bound_access_tokens: client.requiresDpop,
    require_pushed_authorization_requests: client.requiresPushedRequests,
    ...client.registeredMetadata,
  }
}

function listed<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined
}
