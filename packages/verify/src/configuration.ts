import { createSecretKey } from 'node:crypto'
import type { ClaimRules } from './claims.ts'
import { basicAuthorization, isSecureUrl } from './outbound.ts'
import { isWhenStale, type WhenStale } from './policy.ts'
import { type OnProblem, warnOfProblem } from './problem.ts'
import {
  type Clock,
  type Random,
  type Runtime,
  systemClock,
  systemRandom,
  systemTimers,
  type Timers,
} from './runtime.ts'
import { type Algorithm, checkWithSecret, publicKeyAlgorithms, shortestSecretBytes } from './signature.ts'
import type { HeaderRules } from './token-header.ts'
import type { VerificationKey } from './verification-key.ts'

/** How the verifier learns what has been revoked: it follows the issuer's feed, as a client of its own. */
export interface RevocationOptions {
  /** A client that may read the feed (and introspect). */
  readonly clientId: string
  readonly clientSecret: string
  /** After 10 s without word from the feed. Default `'accept'`: the result is marked. */
  readonly whenStale?: WhenStale
  /** Where the feed is; the issuer's `/revocations` unless it is beside a foreign issuer. */
  readonly url?: string
  /** Where to introspect; else as the issuer's metadata say. */
  readonly introspectionUrl?: string
  /** Live entries that are held at most; beyond, the verifier counts as stale. Default a million. */
  readonly mostEntries?: number
}

/** What one API accepts. Whatever is wrong in it, or unknown, is a TypeError. */
export interface VerifierOptions {
  /** Exactly as it stands in `iss`; else `issuer_mismatch`. */
  readonly issuer: string
  /** The token must be meant for one of these (`aud`, RFC 7519 §4.1.3); else `audience_mismatch`. */
  readonly audience: string | readonly string[]
  /** Default ES256, EdDSA, RS256, PS256; HS256 only together with `secret`, and then nothing else. */
  readonly algorithms?: readonly Algorithm[]
  /** Turns revocation on; needs no call per request. */
  readonly revocations?: RevocationOptions
  /**
   * Accepts tokens that only their issuer can read: it is asked about each (RFC 7662), as the client of `revocations`, and what the feed says counts at
   * once. Default: such tokens are `token_malformed`.
   */
  readonly opaque?: 'introspect'
  /** How long the issuer's answer about an opaque token is believed. Default 30. */
  readonly opaqueKeepSeconds?: number
  /** Allowed `typ` headers, by exact case (RFC 9068 §4), else `token_type_unexpected`; `null` allows its absence. Default `at+jwt`, `application/at+jwt`. */
  readonly types?: readonly (string | null)[]
  /** Claims that must have exactly these values, e.g. `{ token_use: 'access' }`; else `claims_invalid`. */
  readonly requiredClaims?: Readonly<Record<string, string>>
  /**
   * The oldest version of the claim schema (`ver`, the issuer's `claims_version`) that this API understands; older tokens are 401 `token_outdated`, and their clients get
   * new ones. Default: whichever.
   */
  readonly oldestSchema?: number
  /**
   * HS256: at least 32 bytes, shared with the issuer. While rotating, two. Or they are had from a Countersign issuer (its `GET /secrets`), as the client of
   * `revocations`, and change by themselves.
   */
  readonly secret?:
    | string
    | Uint8Array
    | { readonly primary: string | Uint8Array; readonly secondary: string | Uint8Array }
    | { readonly from: 'issuer' }
  /** Where the keys are; else as the issuer's metadata say. */
  readonly jwksUri?: string
  /** Seconds that `exp` may be past. Default 0. `iat` and `nbf` may always lie 10 s ahead. */
  readonly clockToleranceSeconds?: number
  /** How old a DPoP proof may be (RFC 9449 §4.3); else `proof_invalid`. Default 60. */
  readonly proofMaxAgeSeconds?: number
  /** Memory for tokens that were checked before. Default 16 MiB; 0 for none. */
  readonly cacheBytes?: number
  /** In characters. Longer tokens are `token_malformed`. Default 8192. */
  readonly longestToken?: number
  /** An unknown key id refetches the keys at most so often. Default 30. */
  readonly cooldownSeconds?: number
  /** How long known keys serve while the issuer does not answer. Default a day. */
  readonly staleIfErrorSeconds?: number
  /** Allows plain HTTP beyond this machine, e.g. inside a cluster. */
  readonly insecureHttp?: boolean
  /**
   * Told when keys or revocations cannot be had, and when they can again; once for each change. Default: one line by
   * `console.warn`.
   */
  readonly onProblem?: OnProblem
  readonly fetch?: typeof globalThis.fetch
  readonly clock?: Clock
  readonly timers?: Timers
  readonly random?: Random
}

/** The options, looked over and completed. */
export interface Configuration {
  readonly issuer: string
  readonly algorithms: readonly Algorithm[]
  readonly headerRules: HeaderRules
  readonly claimRules: ClaimRules
  /** For HS256: the secrets, the primary one first. */
  readonly secrets: readonly VerificationKey[] | undefined
  /** For HS256 with secrets that the issuer has: where to get them, and as whom. */
  readonly secretsOfIssuer: { readonly url: string; readonly authorization: string } | undefined
  readonly jwksUri: string | undefined
  readonly revocations: RevocationOptions | undefined
  /** Undefined: opaque tokens are not accepted. */
  readonly opaque:
    | { readonly keepSeconds: number; readonly longestToken: number; readonly cacheBytes: number }
    | undefined
  readonly proofMaxAgeSeconds: number
  readonly cacheBytes: number
  readonly longestToken: number
  readonly cooldownSeconds: number
  readonly staleIfErrorSeconds: number
  readonly insecureHttp: boolean
  readonly onProblem: OnProblem
  readonly runtime: Runtime
}

const optionNames: ReadonlySet<string> = new Set<keyof VerifierOptions>([
  'issuer',
  'audience',
  'algorithms',
  'revocations',
  'opaque',
  'opaqueKeepSeconds',
  'types',
  'requiredClaims',
  'oldestSchema',
  'secret',
  'jwksUri',
  'clockToleranceSeconds',
  'proofMaxAgeSeconds',
  'cacheBytes',
  'longestToken',
  'cooldownSeconds',
  'staleIfErrorSeconds',
  'insecureHttp',
  'onProblem',
  'fetch',
  'clock',
  'timers',
  'random',
])
const revocationNames: ReadonlySet<string> = new Set<keyof RevocationOptions>([
  'clientId',
  'clientSecret',
  'whenStale',
  'url',
  'introspectionUrl',
  'mostEntries',
])

/** Looks the options over. Throws a TypeError for whatever is wrong: a verifier that stands is one that is closed. */
export function readConfiguration(options: VerifierOptions): Configuration {
  refuseUnknown(options, optionNames, 'createVerifier')
  const insecureHttp = options.insecureHttp === true
  if (options.issuer === '') throw new TypeError('issuer is empty (is ISSUER set?)')
  if (!isText(options.issuer)) throw new TypeError('issuer must be a string')
  const { secret } = options
  const fromIssuer = typeof secret === 'object' && secret !== null && 'from' in secret
  const secrets = secret === undefined || fromIssuer ? undefined : readSecrets(secret)
  if (secrets === undefined || options.revocations !== undefined) requireUrl(options.issuer, 'issuer', insecureHttp)
  if (options.jwksUri !== undefined) {
    if (secret !== undefined) throw new TypeError('with a secret there are no public keys: leave jwksUri out')
    requireUrl(options.jwksUri, 'jwksUri', insecureHttp)
  }
  const algorithms = readAlgorithms(options.algorithms, secret !== undefined)
  const types = options.types ?? ['at+jwt', 'application/at+jwt']
  if (!Array.isArray(types) || types.length === 0 || !types.every(type => type === null || isText(type))) {
    throw new TypeError('types must be strings, or null for none')
  }
  return {
    issuer: options.issuer,
    algorithms,
    headerRules: { types, algorithms },
    claimRules: {
      issuer: options.issuer,
      audiences: readAudiences(options.audience),
      requiredClaims: readRequiredClaims(options.requiredClaims ?? {}),
      clockToleranceSeconds: readNumber(options.clockToleranceSeconds, 0, 'clockToleranceSeconds'),
      oldestSchema:
        options.oldestSchema === undefined ? undefined : readNumber(options.oldestSchema, 0, 'oldestSchema'),
    },
    secrets,
    secretsOfIssuer: fromIssuer ? readSecretsOfIssuer(options) : undefined,
    jwksUri: options.jwksUri,
    revocations: readRevocations(options.revocations, insecureHttp),
    opaque: readOpaque(options),
    proofMaxAgeSeconds: readNumber(options.proofMaxAgeSeconds, 60, 'proofMaxAgeSeconds'),
    cacheBytes: readNumber(options.cacheBytes, defaults.cacheBytes, 'cacheBytes'),
    longestToken: readNumber(options.longestToken, defaults.longestToken, 'longestToken'),
    cooldownSeconds: readNumber(options.cooldownSeconds, 30, 'cooldownSeconds'),
    staleIfErrorSeconds: readNumber(options.staleIfErrorSeconds, 86_400, 'staleIfErrorSeconds'),
    insecureHttp,
    onProblem: readOnProblem(options.onProblem),
    runtime: {
      fetch: options.fetch ?? globalThis.fetch,
      clock: options.clock ?? systemClock,
      timers: options.timers ?? systemTimers,
      random: options.random ?? systemRandom,
    },
  }
}

function readAlgorithms(value: readonly Algorithm[] | undefined, withSecret: boolean): readonly Algorithm[] {
  const possible: readonly Algorithm[] = withSecret ? ['HS256'] : publicKeyAlgorithms
  if (value === undefined) return possible
  if (!Array.isArray(value) || value.length === 0) throw new TypeError('algorithms must name at least one')
  for (const algorithm of value) {
    if (!possible.includes(algorithm)) {
      throw new TypeError(`algorithms can be ${possible.join(', ')} ${withSecret ? 'with' : 'without'} a secret`)
    }
  }
  return [...value]
}

function readAudiences(value: string | readonly string[]): readonly string[] {
  const audiences = typeof value === 'string' ? [value] : value
  if (!Array.isArray(audiences) || audiences.length === 0 || !audiences.every(isText)) {
    throw new TypeError('audience must be a string or a list of strings: patterns and empty lists are not accepted')
  }
  return [...audiences]
}

function readRequiredClaims(value: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const claims = Object.entries(value)
  if (!claims.every(([, wanted]) => isText(wanted))) throw new TypeError('requiredClaims must be strings')
  return new Map(claims)
}

function readRevocations(value: RevocationOptions | undefined, insecureHttp: boolean): RevocationOptions | undefined {
  if (value === undefined) return undefined
  refuseUnknown(value, revocationNames, 'revocations')
  if (!isText(value.clientId) || !isText(value.clientSecret)) {
    throw new TypeError('revocations needs a clientId and a clientSecret')
  }
  if (value.whenStale !== undefined && !isWhenStale(value.whenStale)) {
    throw new TypeError("whenStale can be 'accept', 'introspect' or 'reject'")
  }
  readNumber(value.mostEntries, 0, 'mostEntries')
  if (value.url !== undefined) requireUrl(value.url, 'revocations.url', insecureHttp)
  if (value.introspectionUrl !== undefined) requireUrl(value.introspectionUrl, 'introspectionUrl', insecureHttp)
  return value
}

function readSecretsOfIssuer({ secret, issuer, audience, revocations }: VerifierOptions): {
  url: string
  authorization: string
} {
  if ((secret as { from: unknown }).from !== 'issuer') throw new TypeError("secret.from can be 'issuer'")
  if (revocations === undefined) throw new TypeError('secrets from the issuer need revocations: its client gets them')
  if (typeof audience !== 'string')
    throw new TypeError('with secrets from the issuer, audience must be the one that they are for')
  return {
    url: `${issuer.replace(/\/$/, '')}/secrets?audience=${encodeURIComponent(audience)}`,
    authorization: basicAuthorization(revocations.clientId, revocations.clientSecret),
  }
}

function readSecrets(
  secret: Exclude<NonNullable<VerifierOptions['secret']>, { readonly from: 'issuer' }>,
): readonly VerificationKey[] {
  if (typeof secret === 'string' || secret instanceof Uint8Array) return [readSecret(secret)]
  if (typeof secret !== 'object' || secret === null) throw new TypeError('secret must be a string or bytes')
  return [readSecret(secret.primary), readSecret(secret.secondary)]
}

function readOpaque(options: VerifierOptions): Configuration['opaque'] {
  const keepSeconds = readNumber(options.opaqueKeepSeconds, 30, 'opaqueKeepSeconds')
  if (options.opaque === undefined) return undefined
  if (options.opaque !== 'introspect') throw new TypeError("opaque can be 'introspect'")
  if (options.revocations === undefined) {
    throw new TypeError('opaque tokens need revocations: its client asks the issuer about them')
  }
  return {
    keepSeconds,
    longestToken: readNumber(options.longestToken, defaults.longestToken, 'longestToken'),
    cacheBytes: readNumber(options.cacheBytes, defaults.cacheBytes, 'cacheBytes'),
  }
}

const defaults = { cacheBytes: 16 * 1024 * 1024, longestToken: 8_192 }

/**
 * A public key must never serve as a secret (CVE-2023-48223, CVE-2026-34950): whatever looks like a key, anywhere in
 * the text and whatever stands around it, is refused.
 */
function readSecret(secret: unknown): VerificationKey {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) {
    throw new TypeError('secret must be a string or bytes')
  }
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : Buffer.from(secret)
  const text = bytes.toString('latin1')
  if (/-----\s*BEGIN|"kty"|^\s*(ssh-|ecdsa-)/i.test(text) || isDerKey(bytes) || isWrittenDerKey(text)) {
    throw new TypeError('secret looks like a key, not like a secret')
  }
  if (bytes.length < shortestSecretBytes) throw new TypeError(`secret must have at least ${shortestSecretBytes} bytes`)
  return {
    kid: undefined,
    algorithm: 'HS256',
    check: checkWithSecret(createSecretKey(bytes)),
    expiresSeconds: Number.POSITIVE_INFINITY,
    live: true,
  }
}

/** A DER sequence that is exactly as long as it says: a key or certificate in binary. */
function isDerKey(bytes: Buffer): boolean {
  if (bytes[0] !== 0x30 || bytes.length < 44) return false
  const first = bytes[1] as number
  if (first < 0x80) return first + 2 === bytes.length
  const lengthBytes = first & 0x7f
  return lengthBytes <= 3 && lengthBytes > 0 && bytes.readUIntBE(2, lengthBytes) + 2 + lengthBytes === bytes.length
}

/** The same in letters: PEM without its first and last line, an entry of `x5c`, or as a tool has printed it. By chance one secret in millions looks so. */
function isWrittenDerKey(text: string): boolean {
  const letters = text.replace(/\s/g, '')
  const written = /^[\da-f]+$/i.test(letters) ? 'hex' : /^[\w+/-]+=*$/.test(letters) ? 'base64' : undefined
  if (written === undefined) return false
  const bytes = Buffer.from(letters, written)
  // A sequence or an integer comes first in all of them.
  return isDerKey(bytes) && bytes.subarray(2, 5).some(byte => byte === 0x30 || byte === 0x02)
}

function requireUrl(value: unknown, name: string, insecureHttp: boolean): void {
  if (typeof value !== 'string' || !URL.canParse(value) || !/^https?:/.test(value)) {
    throw new TypeError(`${name} must be an http or https URL`)
  }
  if (!insecureHttp && !isSecureUrl(value)) {
    throw new TypeError(`${name} is plain HTTP beyond this machine: use https, or say insecureHttp: true`)
  }
}

function refuseUnknown(value: object, names: ReadonlySet<string>, where: string): void {
  for (const name of Object.keys(value)) if (!names.has(name)) throw new TypeError(`${where} has no option "${name}"`)
}

function readOnProblem(value: unknown): OnProblem {
  if (value !== undefined && typeof value !== 'function') throw new TypeError('onProblem must be a function')
  return (value as OnProblem | undefined) ?? warnOfProblem
}

function readNumber(value: unknown, otherwise: number, name: string): number {
  if (value === undefined) return otherwise
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new TypeError(`${name} must be a number, not below zero`)
  }
  return value
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
