import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { isRefusal } from '@countersign/protocol'
import { CallFailure } from '../call-failure.ts'
import { askIssuer } from '../issuer-call.ts'
import type { WebPlatform } from '../platform.ts'

/** The keys that the issuer signs with (RFC 7517), as they are published. */
export interface IssuerKeys {
  /** What a token of the issuer holds, if its signature is right; header and claims are judged by the caller. Throws `CallFailure` if the keys cannot be had. */
  open(token: string): Promise<OpenedToken | undefined>
}

export interface OpenedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

const requestLimitMilliseconds = 10_000
/** An unknown key asks for the keys anew at most so often: anybody can name one. */
const cooldownMilliseconds = 30_000
/** As long as the issuer says that the key set may be kept: what it has retired is believed no longer. */
const freshMilliseconds = 300_000
const longestToken = 8_192

type Algorithm = 'ES256' | 'EdDSA' | 'RS256'
interface PublicKey {
  readonly algorithm: Algorithm
  readonly key: KeyObject
}

export function createIssuerKeys({ issuer, platform }: { issuer: string; platform: WebPlatform }): IssuerKeys {
  let keys = new Map<string, PublicKey>()
  let askedAt = Number.NEGATIVE_INFINITY
  let fetchedAt = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let fetching: Promise<void> | undefined

  async function fetchKeys(): Promise<void> {
    const begunAt = platform.now()
    askedAt = begunAt
    const answer = await askIssuer('GET /jwks', () =>
      platform.fetch(`${issuer}/jwks`, { redirect: 'error', signal: platform.deadline(requestLimitMilliseconds) }),
    ).catch((failure: unknown) => {
      // What could not be had may be asked for again at once.
      askedAt = Number.NEGATIVE_INFINITY
      failedAt = platform.now()
      throw failure
    })
    const listed = isRefusal(answer) ? undefined : (answer.body as { keys?: unknown } | undefined)?.keys
    if (!Array.isArray(listed)) throw new CallFailure('GET /jwks: the answer holds no keys')
    keys = new Map(listed.flatMap(jwk => readKey(jwk)))
    fetchedAt = begunAt
  }

  /** One request at a time; whoever comes meanwhile waits for it. */
  function fetchOnce(): Promise<void> {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined
    })
    return fetching
  }

  async function find(kid: string): Promise<PublicKey | undefined> {
    const known = keys.get(kid)
    const now = platform.now()
    const isFresh = now - fetchedAt < freshMilliseconds
    // Those of before serve on while the issuer is away.
    if (known !== undefined && (isFresh || now - failedAt < cooldownMilliseconds)) return known
    const mayAsk = fetching !== undefined || now - askedAt >= cooldownMilliseconds
    if (!mayAsk) return known
    try {
      await fetchOnce()
    } catch (failure) {
      if (known === undefined) throw failure
      return known
    }
    return keys.get(kid)
  }

  return {
    async open(token) {
      if (token.length > longestToken) return undefined
      const [headerText = '', payload = '', signature = '', ...more] = token.split('.')
      const header = readObject(headerText)
      if (header === undefined || more.length > 0 || typeof header.kid !== 'string' || 'crit' in header)
        return undefined
      const found = await find(header.kid)
      if (found === undefined || header.alg !== found.algorithm) return undefined
      const signed = Buffer.from(`${headerText}.${payload}`)
      if (!isSignedBy(found, signed, Buffer.from(signature, 'base64url'))) return undefined
      const claims = readObject(payload)
      return claims && { header, claims }
    },
  }
}

function readKey(jwk: JsonWebKey & { kid?: unknown; alg?: unknown }): [string, PublicKey][] {
  const { kid, alg } = jwk
  const isUsable = alg === 'ES256' || alg === 'EdDSA' || alg === 'RS256'
  if (typeof kid !== 'string' || !isUsable) return []
  try {
    return [[kid, { algorithm: alg, key: createPublicKey({ key: jwk, format: 'jwk' }) }]]
  } catch {
    return []
  }
}

/** A key signs with one algorithm, whatever the token says (RFC 8725 §3.1). */
function isSignedBy({ algorithm, key }: PublicKey, signed: Buffer, signature: Buffer): boolean {
  const hash = algorithm === 'EdDSA' ? null : 'sha256'
  return verify(hash, signed, algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key, signature)
}

function readObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
