import { createHash, timingSafeEqual } from 'node:crypto'

export type GrantType = 'authorization_code' | 'refresh_token' | 'client_credentials'

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
  /** SHA-256 of each valid secret, base64url; none: a public client. Two while a secret is being changed. */
  readonly secretHashes: readonly string[]
  readonly firstParty: boolean
  /** May use `POST /v1/sessions`. */
  readonly directLogin: boolean
  readonly grantTypes: readonly GrantType[]
  /** Matched exactly; a loopback address with any port (RFC 8252 §7.3). */
  readonly redirectUris: readonly string[]
  /** What it may ask for. */
  readonly scopes: readonly string[]
  /** What it gets when it asks for nothing. */
  readonly defaultScopes: readonly string[]
  /** `aud` of its access tokens, besides the issuer. */
  readonly audiences: readonly string[]
  readonly lifetimes: Lifetimes
  readonly refresh: RefreshPolicy
  /** `bearer`: only the refresh token is bound by a proof (RFC 9449 §5); `dpop`: the access token too. */
  readonly accessTokenBinding: 'bearer' | 'dpop'
  readonly disabled: boolean
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
    firstParty: false,
    directLogin: false,
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: [],
    scopes: [],
    defaultScopes: [],
    audiences: [],
    lifetimes: defaultLifetimes,
    refresh: defaultRefreshPolicy,
    accessTokenBinding: 'dpop',
    disabled: false,
    epoch: 1,
    version: 0,
    ...declaration,
  }
}

/** Secrets are random and long (at least 32 bytes): a plain hash is enough, and makes checking cheap. */
export function hashClientSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** True if `secret` is one of the client's; takes as long for a wrong one as for a right one. */
export function clientSecretMatches(client: Client, secret: string): boolean {
  const presented = Buffer.from(hashClientSecret(secret))
  let matches = false
  for (const hash of client.secretHashes) {
    const stored = Buffer.from(hash)
    if (stored.length === presented.length && timingSafeEqual(stored, presented)) matches = true
  }
  return matches
}

export function isPublic(client: Client): boolean {
  return client.secretHashes.length === 0
}

declare const authenticated: unique symbol

/** A client that has shown who it is; only `authenticateClient` makes one, so the type is the proof. */
export type AuthenticatedClient = Client & { readonly [authenticated]: true }
