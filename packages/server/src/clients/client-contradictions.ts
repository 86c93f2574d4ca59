import { authenticationMethods, type Client, isPublic, redirectUriIsAcceptable, sectorOf } from '@countersign/core'
import { rightsOfBackEnds } from './rights-of-back-ends.ts'

/** A setting that does not go with another one; `key` as an operator writes it. */
export interface Contradiction {
  readonly key: string
  readonly says: string
  /** Not only useless: nothing starts with it, however it was declared. */
  readonly isUnsafe?: true
}

interface Rule extends Omit<Contradiction, 'says'> {
  readonly found: (client: Client) => boolean
  readonly says: string | ((client: Client) => string)
}

/** Names the first one: a list may hold fifty. Only if it is an address: whatever else was put there by mistake may be a secret. */
const refusedRedirect = (uris: readonly string[]): string =>
  `holds a redirect URI that is not allowed: ${addressOf(uris.find(uri => !redirectUriIsAcceptable(uri)) ?? '')}. It must be an https: address (http: on loopback alone) or have a private scheme with a dot in it, without fragment and user name`

function addressOf(uri: string): string {
  const url = URL.parse(uri)
  if (url === null) return 'one that is no address'
  return url.host === '' ? `${url.protocol}…` : `${url.protocol}//${url.host}${url.pathname}`
}

/** Settings that are allowed one by one and contradict each other: every request would be refused, one by one, or anybody could ask. */
const rules: readonly Rule[] = [
  {
    key: 'redirect_uris',
    isUnsafe: true,
    found: client => !client.redirectUris.every(redirectUriIsAcceptable),
    says: client => refusedRedirect(client.redirectUris),
  },
  {
    key: 'post_logout_redirect_uris',
    found: client => !client.postLogoutRedirectUris.every(redirectUriIsAcceptable),
    says: client => refusedRedirect(client.postLogoutRedirectUris),
  },
  {
    key: 'direct_login',
    found: client => client.directLogin && !client.firstParty,
    says: 'needs first_party: true; only your own applications may see passwords',
  },
  {
    key: 'direct_login',
    found: client => client.directLogin && !isPublic(client),
    says: 'is for public clients; a client with secrets signs users in on the hosted pages, or as a trusted back end',
  },
  {
    key: 'grant_types',
    found: client => client.grantTypes.includes('client_credentials') && isPublic(client),
    says: 'client_credentials needs secrets or keys; without one anybody could ask',
  },
  {
    key: 'grant_types',
    found: client => client.grantTypes.includes('urn:ietf:params:oauth:grant-type:token-exchange') && isPublic(client),
    says: 'token exchange needs secrets or keys; without one anybody could ask',
  },
  {
    key: 'pkce',
    found: client => client.pkce === 'optional' && isPublic(client),
    says: 'optional needs secrets or keys; a code of a public client is good for whoever has it',
  },
  {
    key: 'scopes',
    isUnsafe: true,
    found: client => isPublic(client) && client.scopes.some(scope => rightsOfBackEnds.includes(scope)),
    says: `without secret and key it cannot have ${rightsOfBackEnds.join(', ')}`,
  },
  {
    key: 'default_scopes',
    found: client => !client.defaultScopes.every(scope => client.scopes.includes(scope)),
    says: 'must all be among scopes',
  },
  {
    key: 'authentication_method',
    found: client => client.authenticationMethod === 'none' && client.secretHashes.length > 0,
    says: 'none does not go with secrets',
  },
  {
    key: 'authentication_method',
    found: client =>
      authenticationMethods(client).every(method => method.startsWith('client_secret')) &&
      client.secretHashes.length === 0,
    says: 'needs secrets',
  },
  {
    key: 'authentication_method',
    found: client =>
      client.authenticationMethod === 'private_key_jwt' && client.jwks.length === 0 && client.jwksUri === null,
    says: 'private_key_jwt needs jwks or jwks_uri',
  },
  {
    key: 'jwks_uri',
    found: client => client.jwksUri !== null && client.jwks.length > 0,
    says: 'does not go with jwks: one of the two',
  },
  {
    key: 'jwks',
    found: client => client.jwks.some(key => 'd' in key || 'k' in key || 'p' in key),
    says: 'holds a secret key; it wants public ones',
  },
  {
    key: 'sector_identifier',
    isUnsafe: true,
    found: client =>
      client.subjectType === 'pairwise' && client.redirectUris.length > 0 && sectorOf(client) === undefined,
    says: 'is needed: the redirect URIs have several hosts, and subject_type is pairwise',
  },
]

export function contradictionsOf(client: Client): readonly Contradiction[] {
  return rules
    .filter(({ found }) => found(client))
    .map(({ key, says, isUnsafe }) => ({
      key,
      says: typeof says === 'string' ? says : says(client),
      ...(isUnsafe && { isUnsafe }),
    }))
}
