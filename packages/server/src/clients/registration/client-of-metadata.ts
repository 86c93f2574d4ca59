import {
  type AssertionAlgorithm,
  type Client,
  type ClientAuthenticationMethod,
  type GrantType,
  parseScope,
  redirectUriIsAcceptable,
  type SigningAlgorithm,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { mayBeCalled } from '../../outbound/address-rules.ts'
import { type ClientMetadata, wrongMember } from './client-metadata.ts'
import type { RegistrationPolicy } from './registration-policy.ts'

/** How far a client that describes itself is trusted. */
export interface Registrant {
  readonly policy: RegistrationPolicy
  /** Whether this machine may be named as an address: on a server that is on loopback itself. */
  readonly allowsLoopback: boolean
  /** Somebody has vouched for it, with an initial access token: it may also act for itself. */
  readonly isVouchedFor: boolean
  /** How it authenticates if it says nothing (RFC 7591 §2: by a secret). */
  readonly defaultMethod: ClientAuthenticationMethod
}

/** What a registration decides about a client. All else (rights, trust, lifetimes, whether the user is asked) is this server's, whatever it says. */
export type RegisteredMembers = Pick<
  Client,
  | 'authenticationMethod'
  | 'assertionAlgorithm'
  | 'jwks'
  | 'jwksUri'
  | 'description'
  | 'grantTypes'
  | 'redirectUris'
  | 'postLogoutRedirectUris'
  | 'backchannelLogoutUri'
  | 'scopes'
  | 'defaultScopes'
  | 'audiences'
  | 'requiresDpop'
  | 'requiresPushedRequests'
  | 'idTokenAlgorithm'
  | 'subjectType'
  | 'defaultMaxAgeSeconds'
  | 'registeredMetadata'
> & { readonly name: string | undefined }

/**
 * Judges what a client says of itself (RFC 7591 §2, OpenID Connect Dynamic Registration §2) and fills in the defaults. Refused with `redirect_uri_unacceptable`
 * or `client_metadata_invalid`. Scopes beyond the policy's are left out, and the answer shows it (§3.2.1); everything else that cannot be is refused.
 */
export function clientOfMetadata(metadata: ClientMetadata, registrant: Registrant): RegisteredMembers | Refusal {
  const grantTypes = judgeGrantTypes(metadata, registrant)
  if (isRefusal(grantTypes)) return grantTypes
  const redirects = judgeRedirects(metadata, grantTypes)
  if (isRefusal(redirects)) return redirects
  const authentication = judgeAuthentication(metadata, registrant)
  if (isRefusal(authentication)) return authentication
  const openId = judgeOpenId(metadata, registrant)
  if (isRefusal(openId)) return openId
  const { policy } = registrant
  const { client_name: name, dpop_bound_access_tokens, require_pushed_authorization_requests } = metadata
  const wanted = wantedScopes(metadata.scope, policy)
  if (wanted === undefined) return wrongMember('scope')
  const scopes = wanted.filter(scope => policy.scopes.includes(scope))
  return {
    name,
    ...authentication,
    ...redirects,
    ...openId,
    grantTypes,
    scopes,
    // Access beyond the user's presence is asked for, never had by saying nothing.
    defaultScopes: scopes.filter(scope => scope !== 'offline_access'),
    audiences: policy.audiences,
    requiresDpop: dpop_bound_access_tokens ?? false,
    requiresPushedRequests: require_pushed_authorization_requests ?? false,
    description: descriptionOf(metadata),
    registeredMetadata: metadataForItsOwner(metadata),
  }
}

/** Absent, all that there are to be had; the empty text, none. */
function wantedScopes(scope: string | undefined, policy: RegistrationPolicy): readonly string[] | undefined {
  if (scope === undefined) return policy.scopes
  return scope === '' ? [] : parseScope(scope)
}

/** Token exchange is a right that an operator gives; acting for itself is one that somebody vouches for. */
const grantTypesOfAll: readonly string[] = [
  'authorization_code',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
] satisfies GrantType[]

function judgeGrantTypes(metadata: ClientMetadata, { isVouchedFor }: Registrant): readonly GrantType[] | Refusal {
  const { grant_types = ['authorization_code'], response_types } = metadata
  const allowed = isVouchedFor ? [...grantTypesOfAll, 'client_credentials'] : grantTypesOfAll
  if (grant_types.length === 0 || !grant_types.every(one => allowed.includes(one))) return wrongMember('grant_types')
  const usesCodes = grant_types.includes('authorization_code')
  const responses = response_types ?? (usesCodes ? ['code'] : [])
  if (responses.some(one => one !== 'code')) return wrongMember('response_types')
  // RFC 7591 §2.1: they say the same thing twice.
  if (responses.includes('code') !== usesCodes) return wrongMember('response_types', 'does not fit the grant types')
  return [...new Set(grant_types)] as GrantType[]
}

function judgeRedirects(
  { redirect_uris = [], post_logout_redirect_uris = [] }: ClientMetadata,
  grantTypes: readonly GrantType[],
): Pick<RegisteredMembers, 'redirectUris' | 'postLogoutRedirectUris'> | Refusal {
  const needsOne = grantTypes.includes('authorization_code')
  if ((needsOne && redirect_uris.length === 0) || !redirect_uris.every(redirectUriIsAcceptable)) {
    return refuse('redirect_uri_unacceptable')
  }
  if (!post_logout_redirect_uris.every(redirectUriIsAcceptable)) return wrongMember('post_logout_redirect_uris')
  return { redirectUris: [...new Set(redirect_uris)], postLogoutRedirectUris: [...new Set(post_logout_redirect_uris)] }
}

const methods: readonly string[] = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
] satisfies ClientAuthenticationMethod[]
const assertionAlgorithms: readonly string[] = ['ES256', 'EdDSA', 'RS256', 'PS256'] satisfies AssertionAlgorithm[]
/** Members of private and symmetric keys (RFC 7518 §6): who sends one has lost it. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

function judgeAuthentication(
  metadata: ClientMetadata,
  { defaultMethod, allowsLoopback }: Registrant,
): Pick<RegisteredMembers, 'authenticationMethod' | 'assertionAlgorithm' | 'jwks' | 'jwksUri'> | Refusal {
  const { jwks, jwks_uri, token_endpoint_auth_method: method = defaultMethod } = metadata
  const { token_endpoint_auth_signing_alg: algorithm } = metadata
  if (!methods.includes(method)) return wrongMember('token_endpoint_auth_method')
  if (algorithm !== undefined && !assertionAlgorithms.includes(algorithm)) {
    return wrongMember('token_endpoint_auth_signing_alg')
  }
  if (jwks !== undefined && jwks_uri !== undefined) return wrongMember('jwks', 'must not stand beside jwks_uri')
  const keys = jwks?.keys ?? []
  if (keys.some(key => secretMembers.some(member => member in key))) return wrongMember('jwks', 'holds a secret key')
  if (jwks_uri !== undefined && !mayBeCalled(jwks_uri, allowsLoopback)) return wrongMember('jwks_uri')
  if (method === 'private_key_jwt' && keys.length === 0 && jwks_uri === undefined) {
    return wrongMember('jwks', 'or jwks_uri is needed for private_key_jwt')
  }
  return {
    authenticationMethod: method as ClientAuthenticationMethod,
    assertionAlgorithm: (algorithm as AssertionAlgorithm | undefined) ?? null,
    jwks: keys,
    jwksUri: jwks_uri ?? null,
  }
}

const idTokenAlgorithms: readonly string[] = ['RS256', 'ES256', 'EdDSA'] satisfies SigningAlgorithm[]

type OpenIdMembers = Pick<
  RegisteredMembers,
  'idTokenAlgorithm' | 'subjectType' | 'backchannelLogoutUri' | 'defaultMaxAgeSeconds'
>

/** OpenID Connect Dynamic Registration §2, Back-Channel Logout §2.2. */
function judgeOpenId(metadata: ClientMetadata, { allowsLoopback }: Registrant): OpenIdMembers | Refusal {
  const { id_token_signed_response_alg: algorithm = 'RS256', subject_type = 'public', default_max_age } = metadata
  const { backchannel_logout_uri } = metadata
  if (!idTokenAlgorithms.includes(algorithm)) return wrongMember('id_token_signed_response_alg')
  if (subject_type !== 'public' && subject_type !== 'pairwise') return wrongMember('subject_type')
  if (backchannel_logout_uri !== undefined && !mayBeCalled(backchannel_logout_uri, allowsLoopback)) {
    return wrongMember('backchannel_logout_uri')
  }
  return {
    idTokenAlgorithm: algorithm as SigningAlgorithm,
    subjectType: subject_type,
    backchannelLogoutUri: backchannel_logout_uri ?? null,
    defaultMaxAgeSeconds: default_max_age ?? null,
  }
}

function descriptionOf(metadata: ClientMetadata): Client['description'] {
  const { client_uri, logo_uri, policy_uri, tos_uri, contacts } = metadata
  return {
    ...(client_uri !== undefined && { uri: client_uri }),
    ...(logo_uri !== undefined && { logoUri: logo_uri }),
    ...(policy_uri !== undefined && { policyUri: policy_uri }),
    ...(tos_uri !== undefined && { termsUri: tos_uri }),
    ...(contacts !== undefined && { contacts }),
  }
}

const keptForItsOwner = [
  'application_type',
  'software_id',
  'software_version',
  'initiate_login_uri',
  'sector_identifier_uri',
  'require_auth_time',
  'backchannel_logout_session_required',
] as const satisfies readonly (keyof ClientMetadata)[]

function metadataForItsOwner(metadata: ClientMetadata): Client['registeredMetadata'] {
  return Object.fromEntries(
    keptForItsOwner.flatMap(name => (metadata[name] === undefined ? [] : [[name, metadata[name]]])),
  )
}
