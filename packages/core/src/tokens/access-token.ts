import { type AccessTokenClaims, accessTokenType, canonicalJson, type Epochs } from '@countersign/protocol'
import type { Client } from '../clients/client.ts'
import type { Instant, RandomBytes } from '../ids.ts'
import type { MacKey } from '../keys/master-key.ts'
import { acrOf, authenticationOf } from '../sessions/authentication.ts'
import type { Family, Session } from '../sessions/session.ts'
import { type ApiLifetimes, accessTokenLife } from './access-token-life.ts'
import { countersign, countersignMatches, countersignRandomBytes } from './countersign.ts'
import { type Signer, signPayload } from './jws.ts'
import { openJws, type PublishedKey } from './open-jws.ts'
import { epochsToTell } from './subject.ts'

/** What mints: the keys that are needed, in one hand only on the server. */
export interface Mint {
  readonly issuer: string
  readonly signer: Signer
  readonly countersignKey: MacKey
  readonly random: RandomBytes
}

/** What a token tells of its user besides what is always there (`mappedClaims`), and the version of that schema (`ver`). */
export interface OwnClaims {
  readonly claims: Readonly<Record<string, unknown>>
  /** The user's `claimsEpoch`; absent: nothing that can be outdated is told. */
  readonly epoch?: number
}

/** The claims of a user's token, all but `jti`. `aud` holds the issuer too: `/v1` is an audience like any other. */
export function userClaims(request: {
  issuer: string
  client: Client
  /** The user, as the client may know them (`subjectOf`). */
  sub: string
  /** The session, as the client may know it (`sessionNameFor`). */
  sid: string
  session: Session
  family: Family
  apiLifetimes: ApiLifetimes
  scope: string
  epochs: Epochs
  jkt: string | undefined
  own: OwnClaims
  schemaVersion: number
  now: Instant
}): Omit<AccessTokenClaims, 'jti'> {
  const { client, session, family, own } = request
  const issuedAt = Math.floor(request.now / 1000)
  const aud = [request.issuer, ...family.audiences]
  const { at, amr } = authenticationOf(session, family)
  const acr = acrOf(amr)
  return {
    ...own.claims,
    iss: request.issuer,
    sub: request.sub,
    aud,
    exp: issuedAt + accessTokenLife(client, aud, request.apiLifetimes),
    iat: issuedAt,
    client_id: client.id,
    scope: request.scope,
    auth_time: Math.floor(at / 1000),
    ...(acr !== undefined && { acr }),
    amr,
    sid: request.sid,
    fam: family.id,
    epo: { ...epochsToTell(client, request.epochs), ...(own.epoch !== undefined && { claims: own.epoch }) },
    ver: request.schemaVersion,
    ...(request.jkt !== undefined && { cnf: { jkt: request.jkt } }),
  }
}

/** The claims of a machine's token (client credentials; RFC 9068 §2.2: `sub` is the client). */
export function machineClaims(request: {
  issuer: string
  client: Client
  apiLifetimes: ApiLifetimes
  scope: string
  epochs: Epochs
  jkt: string | undefined
  schemaVersion: number
  now: Instant
}): Omit<AccessTokenClaims, 'jti'> {
  const { client } = request
  const issuedAt = Math.floor(request.now / 1000)
  const aud = [request.issuer, ...client.audiences]
  return {
    iss: request.issuer,
    sub: client.id,
    aud,
    exp: issuedAt + accessTokenLife(client, aud, request.apiLifetimes),
    iat: issuedAt,
    client_id: client.id,
    scope: request.scope,
    epo: request.epochs,
    ver: request.schemaVersion,
    ...(request.jkt !== undefined && { cnf: { jkt: request.jkt } }),
  }
}

/** Countersigns and signs. The claims are written down once: what is countersigned is also the payload, with `jti` before it. */
export function mintAccessToken(mint: Mint, claims: Omit<AccessTokenClaims, 'jti'>): string {
  const text = canonicalJson(claims)
  const jti = countersign(mint.countersignKey, text, mint.random(countersignRandomBytes))
  return signPayload(mint.signer, `{"jti":"${jti}",${text.slice(1)}`)
}

/**
 * Opens a token of our own: the signature of a published key *and* the countersign. `undefined` for anything else,
 * without saying what was wrong; whether the token still stands (expiry, revocation) is judged by the caller.
 */
export function openAccessToken(
  token: string,
  keys: (kid: string) => PublishedKey | undefined,
  countersignKey: MacKey,
): { claims: AccessTokenClaims; kid: string } | undefined {
  const opened = openJws(token, keys)
  if (opened === undefined || opened.typ !== accessTokenType || typeof opened.payload.jti !== 'string') return undefined
  const claims = opened.payload as unknown as AccessTokenClaims
  return countersignMatches(countersignKey, claims) ? { claims, kid: opened.kid } : undefined
}
