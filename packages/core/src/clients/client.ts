import type { Instant } from '../ids.ts'
import type { SigningAlgorithm } from '../keys/key-ring.ts'
import type { ClaimsMap } from './claims-map.ts'

export type GrantType =
  | 'authorization_code'
  | 'refresh_token'
  | 'client_credentials'
  | 'urn:ietf:params:oauth:grant-type:device_code'
  | 'urn:ietf:params:oauth:grant-type:token-exchange'

/** How a client shows who it is at the token endpoint (RFC 7591 §2). */
export type ClientAuthenticationMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

/** How a client may sign its assertions (RFC 7523 §3). */
export type AssertionAlgorithm = 'ES256' | 'EdDSA' | 'RS256' | 'PS256'

/** Where a client's declaration came from, which says who may change it. */
export type ClientOrigin =
  /** The configuration file. */
  | 'declared'
  /** The command line or the admin API. */
  | 'operator'
  /** Dynamic registration (RFC 7591). */
  | 'registered'
  /** A client id metadata document: its id is the document's address. */
  | 'metadata'

/** What a consent page says about an application (RFC 7591 §2). Addresses are shown as text, and never fetched by a browser of ours. */
export interface ClientDescription {
  readonly uri?: string
  readonly logoUri?: string
  readonly policyUri?: string
  readonly termsUri?: string
  readonly contacts?: readonly string[]
}

/** How long what a client gets may live. Whole seconds. */
export interface Lifetimes {
  readonly accessTokenSeconds: number
  /** A login that is not used for so long ends. */
  readonly idleSeconds: number
  /** Every login ends after so long, used or not. */
  readonly absoluteSeconds: number
}

/** The client's part of the refresh rule (docs: refresh). */
export interface RefreshPolicy {
  /** Row 8: how long after a rotation the previous token of an unbound family is answered again. */
  readonly graceSeconds: number
  /** Rows 5 and 6: H, the minimum life of an unbound family's token. At least twice the grace in production. */
  readonly minimumLifeSeconds: number
  /** H of a bound family: 0, rotate at every use. */
  readonly minimumLifeBoundSeconds: number
  /** Row 6: repeat the refresh token in the answer, for clients that cannot live without the field. */
  readonly repeatsUnchanged: boolean
  /** Row 10: end the whole session, not this family alone. */
  readonly reuseEndsSession: boolean
  /** Row 7: end a bound family whose token two or more generations back is presented. */
  readonly flaggedReplayEndsFamily: boolean
}

/** An application (RFC 6749 §2). */
export interface Client {
  readonly id: string
  readonly name: string
  /** SHA-256 of each valid secret, base64url, the newest first; none: a public client. Two while a secret is being changed. */
  readonly secretHashes: readonly string[]
  /** When a secret stops to be one, by its hash; of those that are not named here, never. */
  readonly secretEnds: Readonly<Record<string, Instant>>
  /** The one way in which it authenticates; null: whichever fits what it has. */
  readonly authenticationMethod: ClientAuthenticationMethod | null
  /** Public keys of its assertions (RFC 7517): themselves, or where they are published. */
  readonly jwks: readonly Readonly<Record<string, unknown>>[]
  readonly jwksUri: string | null
  /** The one algorithm of its assertions; null: the one that the key is for. */
  readonly assertionAlgorithm: AssertionAlgorithm | null
  readonly origin: ClientOrigin
  /** The user who owns it; null: nobody in particular. */
  readonly ownerId: string | null
  /**
   * SHA-256 of the token that manages its registration (RFC 7592), and after it that of the one before, which is good until the new one is used: an
   * answer that was lost must not lock an owner out.
   */
  readonly registrationTokenHashes: readonly string[]
  /** What its registration said and this server does not act on, for its owner to read again (RFC 7591 §3.2.1). */
  readonly registeredMetadata: Readonly<Record<string, string | boolean>>
  readonly description: ClientDescription
  readonly firstParty: boolean
  /** May use `POST /v1/sessions`. */
  readonly directLogin: boolean
  readonly grantTypes: readonly GrantType[]
  /** Matched exactly; a loopback address with any port (RFC 8252 §7.3). */
  readonly redirectUris: readonly string[]
  /** Where the browser may go after a sign-out that it has begun (OpenID Connect RP-Initiated Logout §2.1); matched exactly. */
  readonly postLogoutRedirectUris: readonly string[]
  /** Told of ended sessions (OpenID Connect Back-Channel Logout §2.2); null: not told. */
  readonly backchannelLogoutUri: string | null
  /** What it may ask for. */
  readonly scopes: readonly string[]
  /** What it gets when it asks for nothing. */
  readonly defaultScopes: readonly string[]
  /** `aud` of its access tokens, besides the issuer. */
  readonly audiences: readonly string[]
  /**
   * The APIs that it is: it learns of the tokens that name one of them, and may exchange these. Null: not said. Then it learns of every JWT, which it could
   * read by itself.
   */
  readonly serves: readonly string[] | null
  readonly lifetimes: Lifetimes
  readonly refresh: RefreshPolicy
  /** `bearer`: only the refresh token is bound by a proof (RFC 9449 §5); `dpop`: the access token too. */
  readonly accessTokenBinding: 'bearer' | 'dpop'
  /** Refuses whoever comes without a proof: nothing of this client is ever unbound (RFC 9449 §5.2). */
  readonly requiresDpop: boolean
  /** Believes only proofs that carry a nonce of ours (RFC 9449 §8): none that was made ahead. */
  readonly requiresDpopNonce: boolean
  /** `optional`: may send no challenge (RFC 7636). Only for confidential clients, which no code is good for without their secret. */
  readonly pkce: 'required' | 'optional'
  /** Refuses authorization requests that were not pushed (RFC 9126 §6). */
  readonly requiresPushedRequests: boolean
  /** `jwt` (RFC 9068), or `opaque`: only this server can read it, APIs have to ask. */
  readonly accessTokenFormat: 'jwt' | 'opaque'
  /** Signs its ID tokens. */
  readonly idTokenAlgorithm: SigningAlgorithm
  /** What its access tokens tell of the user, besides what APIs want of all that reach them. */
  readonly accessTokenClaims: ClaimsMap
  /** What its ID tokens tell of the user, besides what was asked for. */
  readonly idTokenClaims: ClaimsMap
  /** `sub`: the user's id, the same written as a UUID, one that only the clients of this sector see (OpenID Connect Core §8.1), or `{connection}|{id there}`. */
  readonly subjectType: 'public' | 'uuid' | 'pairwise' | 'connection'
  /** Who share one pairwise `sub`: a host name. Null: whom `sectorOf` finds. */
  readonly sectorIdentifier: string | null
  /** `asked`: the user is asked what it may do, and the answer is remembered in a grant. First-party clients need not ask. */
  readonly consent: 'asked' | 'implied'
  /** At most one live authorization per user: a new one ends the one before. */
  readonly oneAuthorizationPerUser: boolean
  /** The user must have signed in within so many seconds, if the request says nothing else; null: whenever. */
  readonly defaultMaxAgeSeconds: number | null
  readonly disabled: boolean
  /** Switched off by hand: the configuration file alone does not switch it on again. */
  readonly disabledByOperator: boolean
  /** An operator has changed its settings: what it says of itself later gives it no more than it has. */
  readonly changedByOperator: boolean
  /** Taken away by an operator; the row stays, since logins of the past refer to it. Null: it is there. */
  readonly removedAt: Instant | null
  /** When it was registered; null: it was declared. */
  readonly createdAt: Instant | null
  /** Nobody has used it yet: the sweep forgets it then. Null once anything refers to it (the store sees to that), and for all that were not registered. */
  readonly expiresAt: Instant | null
  readonly epoch: number
  readonly version: number
}

export const defaultLifetimes: Lifetimes = {
  accessTokenSeconds: 15 * 60,
  idleSeconds: 30 * 86_400,
  absoluteSeconds: 180 * 86_400,
}

export const defaultRefreshPolicy: RefreshPolicy = {
  graceSeconds: 20,
  minimumLifeSeconds: 60,
  minimumLifeBoundSeconds: 0,
  repeatsUnchanged: false,
  reuseEndsSession: false,
  flaggedReplayEndsFamily: false,
}

/** Fills a declaration up with the defaults; version 0 (not stored yet), epoch 1. */
export function declareClient(declaration: Pick<Client, 'id'> & Partial<Client>): Client {
  return {
    name: declaration.id,
    secretHashes: [],
    secretEnds: {},
    authenticationMethod: null,
    jwks: [],
    jwksUri: null,
    assertionAlgorithm: null,
    origin: 'declared',
    ownerId: null,
    registrationTokenHashes: [],
    registeredMetadata: {},
    description: {},
    firstParty: false,
    directLogin: false,
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: [],
    postLogoutRedirectUris: [],
    backchannelLogoutUri: null,
    scopes: [],
    defaultScopes: [],
    audiences: [],
    serves: null,
    lifetimes: defaultLifetimes,
    refresh: defaultRefreshPolicy,
    accessTokenBinding: 'dpop',
    requiresDpop: false,
    requiresDpopNonce: false,
    pkce: 'required',
    requiresPushedRequests: false,
    accessTokenFormat: 'jwt',
    idTokenAlgorithm: 'ES256',
    accessTokenClaims: {},
    idTokenClaims: {},
    subjectType: 'public',
    sectorIdentifier: null,
    consent: declaration.firstParty === true ? 'implied' : 'asked',
    oneAuthorizationPerUser: false,
    defaultMaxAgeSeconds: null,
    disabled: false,
    disabledByOperator: false,
    changedByOperator: false,
    removedAt: null,
    createdAt: null,
    expiresAt: null,
    epoch: 1,
    version: 0,
    ...declaration,
  }
}

/** True if an operator has made or declared it: what it says of itself is theirs to answer for. Everybody else can be anybody. */
export function isVouchedFor({ origin }: Pick<Client, 'origin'>): boolean {
  return origin === 'declared' || origin === 'operator'
}

/** True if it has nothing to show who it is by: no secret, no key. An expired secret is one all the same. */
export function isPublic(client: Client): boolean {
  return (
    client.authenticationMethod === 'none' ||
    (client.secretHashes.length === 0 && client.jwks.length === 0 && client.jwksUri === null)
  )
}

/** The ways in which it may authenticate: the one that it has chosen, or whichever fits what it has. */
export function authenticationMethods(client: Client): readonly ClientAuthenticationMethod[] {
  if (client.authenticationMethod !== null) return [client.authenticationMethod]
  if (isPublic(client)) return ['none']
  return [
    ...(client.secretHashes.length > 0 ? (['client_secret_basic', 'client_secret_post'] as const) : []),
    ...(client.jwks.length > 0 || client.jwksUri !== null ? (['private_key_jwt'] as const) : []),
  ]
}

/** True if it need not send a challenge with its authorization requests. A public client always must (RFC 9700 §2.1.1). */
export function mayOmitPkce(client: Client): boolean {
  return client.pkce === 'optional' && !isPublic(client)
}

/** True if the client is served under a grant of the user: because they are asked, or so that a new authorization ends the last. */
export function needsGrant(client: Client): boolean {
  return client.consent === 'asked' || client.oneAuthorizationPerUser
}

/** True if it never authenticates but by an assertion made for the one request, which is used up (RFC 7523 §3): nobody who holds only its tokens can. */
export function showsFreshProof(client: Client): boolean {
  return authenticationMethods(client).every(method => method === 'private_key_jwt')
}

declare const authenticated: unique symbol

/** A client that has shown who it is; only `authenticateClient` makes one, so the type is the proof. */
export type AuthenticatedClient = Client & { readonly [authenticated]: true }
