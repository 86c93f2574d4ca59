import { challenge, errorBody, type Refusal, reasonHeader, reasons, refuse } from '@countersign/protocol'
import { compilePolicy, type Policy } from '../policy.ts'
import type { Presented } from '../proof.ts'
import { type Clock, systemClock } from '../runtime.ts'
import { publicKeyAlgorithms } from '../signature.ts'
import type { Verification, Verified, Verifier } from '../verifier.ts'
import { isForgeable } from './cross-site.ts'
import type { Answer, Pass } from './decision.ts'
import { type FoundToken, findToken } from './find-token.ts'
import { calledUrl, type OwnAddress } from './own-address.ts'
import { publicPaths } from './public-paths.ts'
import { type RequestView, single } from './request-view.ts'
import { describeResource, type ResourceOptions } from './resource-metadata.ts'

/** What an endpoint, or a group of them, asks of its requests. */
export interface ProtectOptions extends Policy, OwnAddress {
  /** A request without a token passes, with no `auth`. A bad token is refused all the same. */
  readonly optional?: boolean
  /** Paths that need no token: exact, or everything below with `/*` at the end. There tokens are not looked at. */
  readonly public?: readonly string[]
  /** Takes the token from this cookie too. Unsafe methods must then come from this origin or one of `origins`. */
  readonly cookie?: { readonly name: string; readonly origins?: readonly string[] }
  /** A browser that navigates here without a good token is sent to this address; `returnTo` is a path on this origin. */
  readonly signIn?: (returnTo: string) => string
  /**
   * The API describes itself (RFC 9728): served at its well-known path wherever `protect` sees that, and named in every challenge. So a client that knows
   * the API's address alone finds out where to get a token, and for what.
   */
  readonly resource?: ResourceOptions
  /** Told of every refusal, for logs and metrics. */
  readonly onRefusal?: (refusal: Refusal) => void
  readonly clock?: Clock
}

/** Options under which a request may pass without a token. */
export type Lenient = { readonly optional: true } | { readonly public: readonly string[] }

/** What a handler behind `protect` gets. */
export type AuthOf<Options> = Options extends Lenient ? Verified | undefined : Verified

export type Guard = (view: RequestView) => Pass | Answer | Promise<Pass | Answer>

const privateNoStore = 'private, no-store'
const exposed = ['Countersign-Reason', 'WWW-Authenticate', 'Retry-After']

/** The same decision for every framework. Throws a TypeError if the options are wrong. */
export function createGuard(verifier: Verifier, options: ProtectOptions): Guard {
  const { optional = false, cookie, signIn, onRefusal, clock = systemClock } = options
  const policy = policyOf(options)
  const resource = options.resource && describeResource(verifier, { ...resourceOf(policy), ...options.resource })
  const isPublic = publicPaths(options.public ?? [])
  const vary = cookie === undefined ? ['Authorization'] : ['Authorization', 'Cookie']

  function answer(view: RequestView, refusal: Refusal, found: FoundToken | undefined): Answer {
    onRefusal?.(refusal)
    const status = statusOf(refusal)
    const common = { 'cache-control': privateNoStore, [reasonHeader]: refusal.reason }
    if (signIn !== undefined && status === 401 && isNavigation(view)) {
      const headers = { ...common, location: signIn(returnTarget(view)) }
      return {
        pass: false,
        status: 303,
        headers,
        vary: [...vary, 'Accept', 'Sec-Fetch-Mode'],
        expose: exposed,
        body: '',
      }
    }
    const body = bodyOf(refusal, clock)
    const headers: Record<string, string> = { ...common, 'content-type': 'application/json' }
    if (isChallenge(refusal, status)) headers['www-authenticate'] = challengeOf(refusal, policy, found, resource?.url)
    if (status === 503) headers['retry-after'] = String(refusal.retryAfterSeconds ?? 5)
    return { pass: false, status, headers, vary, expose: exposed, body }
  }

  function conclude(view: RequestView, verification: Verification, found: FoundToken): Pass | Answer {
    if (verification.refused) return answer(view, verification, found)
    return { pass: true, auth: verification, vary, cacheControl: privateNoStore }
  }

  return view => {
    const described = resource?.answer(view)
    if (described !== undefined) return described
    if (isPublic(view.target)) return { pass: true, auth: undefined, vary: [], cacheControl: undefined }
    const found = findToken(view, cookie?.name)
    if ('refused' in found) {
      if (optional && found.reason === 'token_missing')
        return { pass: true, auth: undefined, vary, cacheControl: undefined }
      return answer(view, found, undefined)
    }
    if (found.from === 'cookie' && isForgeable(view, cookie?.origins ?? [], options)) {
      return answer(view, refuse('csrf_refused'), found)
    }
    const verification = verifier.verify(found.token, policy, presentedBy(view, found, options))
    if (verification instanceof Promise) return verification.then(settled => conclude(view, settled, found))
    return conclude(view, verification, found)
  }
}

/** For a request that could not be judged because a function in the options threw. */
export const unavailable: Answer = {
  pass: false,
  status: 503,
  headers: {
    'cache-control': privateNoStore,
    'content-type': 'application/json',
    'retry-after': '5',
    [reasonHeader]: 'unavailable',
  },
  vary: ['Authorization'],
  expose: exposed,
  body: JSON.stringify(errorBody(refuse('unavailable'))),
}

const ownOptions = [
  'optional',
  'public',
  'cookie',
  'signIn',
  'resource',
  'onRefusal',
  'clock',
  'baseUrl',
  'trustProxy',
] as const

/** What is left is a policy, and looked over now: a typo shows when the server starts, not at the first request. */
function policyOf(options: ProtectOptions): Policy {
  const policy: Record<string, unknown> = { ...options }
  for (const name of ownOptions) delete policy[name]
  if (options.baseUrl !== undefined && !URL.canParse(options.baseUrl))
    throw new TypeError('baseUrl must be a URL, such as https://api.example.com (is its variable set?)')
  if (options.cookie !== undefined && !options.cookie.name) throw new TypeError('cookie needs a name')
  compilePolicy(policy)
  return policy
}

function presentedBy(view: RequestView, found: FoundToken, address: OwnAddress): Presented {
  if (found.scheme === 'Bearer') return { scheme: 'Bearer', method: view.method }
  const proof = single(view, 'dpop')
  const url = calledUrl(view, address)
  return {
    scheme: 'DPoP',
    method: view.method,
    ...(proof === undefined ? {} : { proof }),
    ...(url === undefined ? {} : { url }),
  }
}

/** At the token endpoint a wrong proof is 400 (RFC 9449 §5), at an API it is 401 (§7.1). */
function statusOf(refusal: Refusal): number {
  const { error, status } = reasons[refusal.reason]
  return error === 'invalid_dpop_proof' || error === 'use_dpop_nonce' ? 401 : status
}

function isChallenge(refusal: Refusal, status: number): boolean {
  return refusal.reason !== 'csrf_refused' && (status === 400 || status === 401 || status === 403)
}

const proofReasons: ReadonlySet<string> = new Set(['token_bound', 'token_binding_mismatch', 'binding_required'])

function isAboutProof(refusal: Refusal): boolean {
  return refusal.reason.startsWith('proof_') || proofReasons.has(refusal.reason)
}

/** RFC 6750 §3, RFC 9449 §7.1; with what RFC 9470 §3 adds when another login is needed. */
function challengeOf(
  refusal: Refusal,
  policy: Policy,
  found: FoundToken | undefined,
  resourceMetadata: string | undefined,
): string {
  const scope = typeof policy.scope === 'string' ? policy.scope : policy.scope?.join(' ')
  const tellsScope =
    refusal.reason === 'scope_insufficient' || (refusal.reason === 'token_missing' && resourceMetadata !== undefined)
  const withDpop = found?.scheme === 'DPoP' || policy.bound === true || isAboutProof(refusal)
  const text = challenge(refusal, {
    ...(withDpop ? { scheme: 'DPoP', algs: publicKeyAlgorithms.join(' ') } : {}),
    ...(tellsScope && scope !== undefined ? { scope } : {}),
    ...(resourceMetadata === undefined ? {} : { resourceMetadata }),
  })
  if (refusal.reason === 'token_too_old') return `${text}, max_age="${policy.maxAgeSeconds}"`
  if (refusal.reason !== 'authentication_insufficient') return text
  const acr = policy.acr === undefined ? '' : `, acr_values="${policy.acr.join(' ')}"`
  const age = policy.maxAuthenticationAgeSeconds
  return `${text}${acr}${age === undefined ? '' : `, max_age="${age}"`}`
}

/** What the policy says already need not be said again. */
function resourceOf({ scope, bound }: Policy): Omit<ResourceOptions, 'resource'> {
  const scopes = typeof scope === 'string' ? scope.split(' ').filter(word => word !== '') : scope
  return { ...(scopes && { scopes }), ...(bound !== undefined && { bound }) }
}

/** A client whose clock is wrong learns the time where that could be the cause (contract: token answers). */
function bodyOf(refusal: Refusal, clock: Clock): string {
  const body = errorBody(refusal)
  if (!isAboutProof(refusal)) return JSON.stringify(body)
  return JSON.stringify({ ...body, server_time: Math.floor(clock.wallMilliseconds() / 1000) })
}

function isNavigation(view: RequestView): boolean {
  if (view.method !== 'GET' && view.method !== 'HEAD') return false
  const mode = single(view, 'sec-fetch-mode')
  return (mode === undefined || mode === 'navigate') && view.header('accept').join(',').includes('text/html')
}

/** A path on this origin and nothing else: `//evil` and `/\evil` would be other hosts. */
function returnTarget({ target }: RequestView): string {
  return /^\/(?![/\\])/.test(target) ? target : '/'
}
