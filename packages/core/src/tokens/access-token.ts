import type { KeyObject } from 'node:crypto'
import { type AccessTokenClaims, accessTokenType, canonicalJson, type Epochs } from '@countersign/protocol'
import type { Client } from '../clients/client.ts'
import type { Instant, RandomBytes } from '../ids.ts'
import type { SigningAlgorithm } from '../keys/key-ring.ts'
import type { MacKey } from '../keys/master-key.ts'
import type { Family, Session } from '../sessions/session.ts'
import { type ApiLifetimes, accessTokenLife } from './access-token-life.ts'
import { countersign, countersignMatches, countersignRandomBytes } from './countersign.ts'
import { type Signer, signPayload, verifyJws } from './jws.ts'

/** What mints: the keys that are needed, in one hand only on the server. */
export interface Mint {
  readonly issuer: string
  readonly signer: Signer
  readonly countersignKey: MacKey
  readonly random: RandomBytes
}

/** The version of the claim schema (`ver`). */
export const claimSchemaVersion = 1

/** The claims of a user's token, all but `jti`. `aud` holds the issuer too: `/v1` is an audience like any other. */
export function userClaims(request: {
  issuer: string
  client: Client
  session: Session
  family: Family
  apiLifetimes: ApiLifetimes
  scope: string
  epochs: Epochs
  jkt: string | undefined
  now: Instant
}): Omit<AccessTokenClaims, 'jti'> {
  const { client, session, family } = request
  const issuedAt = Math.floor(request.now / 1000)
  const aud = [request.issuer, ...family.audiences]
  return {
    iss: request.issuer,
    sub: session.userId,
    aud,
    exp: issuedAt + accessTokenLife(client, aud, request.apiLifetimes),
    iat: issuedAt,
    client_id: client.id,
    scope: request.scope,
    auth_time: Math.floor(session.authenticatedAt / 1000),
    amr: session.amr,
    sid: session.id,
    fam: family.id,
    epo: request.epochs,
    ver: claimSchemaVersion,
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
    ver: claimSchemaVersion,
    ...(request.jkt !== undefined && { cnf: { jkt: request.jkt } }),
  }
}

/** Countersigns and signs. The claims are written down once: what is countersigned is also the payload, with `jti` before it. */
export function mintAccessToken(mint: Mint, claims: Omit<AccessTokenClaims, 'jti'>): string {
  const text = canonicalJson(claims)
  const jti = countersign(mint.countersignKey, text, mint.random(countersignRandomBytes))
  return signPayload(mint.signer, `{"jti":"${jti}",${text.slice(1)}`)
}

/** A key under which a token of ours may be signed. */
export interface PublishedKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly key: KeyObject
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
  const parts = token.length <= 8192 ? token.split('.') : []
  const [headerText, payloadText, signatureText] = parts
  if (parts.length !== 3 || !headerText || !payloadText || !signatureText) return undefined
  const header = readJson(headerText)
  if (header === undefined || header.typ !== accessTokenType || 'crit' in header) return undefined
  const key = typeof header.kid === 'string' ? keys(header.kid) : undefined
  if (key === undefined || header.alg !== key.alg) return undefined
  const signature = Buffer.from(signatureText, 'base64url')
  if (signature.toString('base64url') !== signatureText) return undefined
  if (!verifyJws(key.alg, key.key, `${headerText}.${payloadText}`, signature)) return undefined
  const claims = readJson(payloadText)
  if (claims === undefined || typeof claims.jti !== 'string') return undefined
  const ours = claims as unknown as AccessTokenClaims
  return countersignMatches(countersignKey, ours) ? { claims: ours, kid: key.kid } : undefined
}

function readJson(segment: string): Record<string, unknown> | undefined {
  const bytes = Buffer.from(segment, 'base64url')
  if (bytes.toString('base64url') !== segment) return undefined
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
