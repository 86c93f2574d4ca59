import { type Reason, type Refusal, refuse } from '@countersign/protocol'
import type { Times, VerifiedClaims } from './claims.ts'

/**
 * What to do when the feed has been silent for 10 s: accept and mark the result, ask the server about each token, or
 * refuse with 503 `revocations_stale`.
 */
export type WhenStale = 'accept' | 'introspect' | 'reject'

/** What one endpoint asks of a token, beyond its being good. Must not be changed once used. */
export interface Policy {
  /** All of these are needed; a string is split at spaces. Else 403 `scope_insufficient`. */
  readonly scope?: string | readonly string[]
  /** The token may be so old, counted from `iat` whatever `exp` says. Else 401 `token_too_old`. */
  readonly maxAgeSeconds?: number
  /** The user must have signed in so recently (`auth_time`, RFC 9470). Else 401 `authentication_insufficient`. */
  readonly maxAuthenticationAgeSeconds?: number
  /** The login must have been of one of these classes (`acr`, RFC 9470). Else 401 `authentication_insufficient`. */
  readonly acr?: readonly string[]
  /** Only tokens bound to a key (RFC 9449). Else 401 `binding_required`. */
  readonly bound?: boolean
  /** Takes the place of the verifier's `whenStale` here. */
  readonly whenStale?: WhenStale
  /** Asks the issuer about every token (RFC 7662): also notices a token forged with a stolen signing key. */
  readonly introspect?: boolean
}

/** A policy that was looked over. */
export interface CompiledPolicy {
  readonly scope: readonly string[]
  readonly maxAgeSeconds: number
  readonly maxAuthenticationAgeSeconds: number | undefined
  readonly acr: readonly string[] | undefined
  readonly bound: boolean
  readonly whenStale: WhenStale | undefined
  readonly introspect: boolean
}

const checks: Readonly<Record<keyof Policy, (value: unknown) => boolean>> = {
  scope: value => (typeof value === 'string' && value.trim() !== '') || isTexts(value),
  maxAgeSeconds: isPositive,
  maxAuthenticationAgeSeconds: isPositive,
  acr: value => isTexts(value) && value.length > 0,
  bound: value => typeof value === 'boolean',
  whenStale: isWhenStale,
  introspect: value => typeof value === 'boolean',
}

const compiled = new WeakMap<Policy, CompiledPolicy>()

/** Looks a policy over, once per object. Throws a TypeError for a wrong or unknown member: a typo must not open a door. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  const known = compiled.get(policy)
  if (known !== undefined) return known
  for (const [name, value] of Object.entries(policy)) {
    if (!Object.hasOwn(checks, name)) throw new TypeError(`a policy has no member "${name}"`)
    // Also for undefined: a setting that was not found must not mean that nothing is asked.
    if (!checks[name as keyof Policy](value)) throw new TypeError(`the policy's ${name} is wrong`)
  }
  const fresh: CompiledPolicy = {
    scope:
      typeof policy.scope === 'string' ? policy.scope.split(' ').filter(word => word !== '') : (policy.scope ?? []),
    maxAgeSeconds: policy.maxAgeSeconds ?? Number.POSITIVE_INFINITY,
    maxAuthenticationAgeSeconds: policy.maxAuthenticationAgeSeconds,
    acr: policy.acr,
    bound: policy.bound ?? false,
    whenStale: policy.whenStale,
    introspect: policy.introspect ?? false,
  }
  compiled.set(policy, fresh)
  return fresh
}

export function isWhenStale(value: unknown): value is WhenStale {
  return value === 'accept' || value === 'introspect' || value === 'reject'
}

/** Age of the token and of the login (RFC 9470 §3). */
export function judgeAge(
  policy: CompiledPolicy,
  { issuedSeconds, claims }: Times & { readonly claims: VerifiedClaims },
  nowSeconds: number,
): Reason | undefined {
  if (nowSeconds - issuedSeconds > policy.maxAgeSeconds) return 'token_too_old'
  const { maxAuthenticationAgeSeconds: most, acr } = policy
  if (most !== undefined && !(claims.auth_time !== undefined && nowSeconds - claims.auth_time <= most)) {
    return 'authentication_insufficient'
  }
  if (acr !== undefined && !(claims.acr !== undefined && acr.includes(claims.acr))) return 'authentication_insufficient'
  return undefined
}

/** All scopes that the endpoint needs (RFC 6750 §3.1). */
export function judgeScope(policy: CompiledPolicy, held: readonly string[]): Refusal | undefined {
  for (const scope of policy.scope) if (!held.includes(scope)) return refuse('scope_insufficient')
  return undefined
}

const scopeTextsAtMost = 1_000

/**
 * Reads the scopes of tokens: `scope` (RFC 8693 §4.2), or `scp` as some issuers call it, a string or a list. Tokens with
 * the same text share one list: it stays in the processor's cache, where a list of each one's own would not be.
 */
export function scopeReader(): (claims: VerifiedClaims) => readonly string[] {
  const lists = new Map<string, readonly string[]>()
  return claims => {
    const value = claims.scope ?? claims.scp
    if (typeof value !== 'string') return isTexts(value) ? value : []
    const known = lists.get(value)
    if (known !== undefined) return known
    if (lists.size >= scopeTextsAtMost) lists.clear()
    const list = value.split(' ')
    lists.set(value, list)
    return list
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}
