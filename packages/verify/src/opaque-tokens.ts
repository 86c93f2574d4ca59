import { type Refusal, refuse } from '@countersign/protocol'
import type { Introspect } from './introspection.ts'
import type { Clock } from './runtime.ts'
import { parseStrictObject } from './strict-json.ts'
import { type Cached, tokenCache } from './token-cache.ts'

/** Tokens that only their issuer can read: it is asked about each, and its answer kept for a while. */
export interface OpaqueTokens<Token extends Cached> {
  /** True for what could be such a token: no JWT, and of the letters of a token (RFC 6750 §2.1). */
  recognises(token: string): boolean
  /** Refuses with `token_inactive`, `revocations_stale` if the issuer cannot be asked, and with what `read` refuses. */
  find(token: string): Token | Refusal | Promise<Token | Refusal>
}

export interface OpaqueTokenOptions<Token extends Cached> {
  readonly clock: Clock
  readonly introspect: Introspect
  /** How long an answer is believed. What the feed says of the token in between counts at once. */
  readonly keepSeconds: number
  readonly longestToken: number
  readonly cacheBytes: number
  /** Judges the claims of an active token, as those of a JWT are. */
  readonly read: (token: string, members: Readonly<Record<string, unknown>>) => Token | Refusal
}

interface Kept<Token> extends Cached {
  readonly found: Token | Refusal
  readonly until: number
}

/** Whoever sends rubbish again and again is refused without the issuer being asked again and again. */
const keepRefusalsSeconds = 5
const refusalBytes = 1_048_576

const tokenForm = /^[A-Za-z0-9\-_~+/]+=*$/
const cannotAsk = { retryAfterSeconds: 2 }

export function opaqueTokens<Token extends Cached>(options: OpaqueTokenOptions<Token>): OpaqueTokens<Token> {
  const { clock, introspect, read } = options
  const good = tokenCache<Kept<Token>>(options.cacheBytes)
  // Apart: what is refused must not push out what is good.
  const refused = tokenCache<Kept<Token>>(refusalBytes)

  async function ask(token: string): Promise<Token | Refusal> {
    const answer = await introspect(token)
    if (answer === undefined) return refuse('revocations_stale', cannotAsk)
    const found = answer.active ? readActive(token, answer.body) : refuse('token_inactive')
    const isRefused = 'refused' in found
    const seconds = isRefused ? Math.min(keepRefusalsSeconds, options.keepSeconds) : options.keepSeconds
    const until = clock.monotonicMilliseconds() + seconds * 1000
    const kept = { token, found, until, bytes: isRefused ? token.length + 200 : found.bytes }
    ;(isRefused ? refused : good).set(kept)
    return found
  }

  /** Through text once more: strictly read, and frozen, since the claims are shared between requests. */
  function readActive(token: string, body: unknown): Token | Refusal {
    const { active: _active, ...claims } = body as Readonly<Record<string, unknown>>
    const members = parseStrictObject(Buffer.from(JSON.stringify(claims)))
    return members === undefined ? refuse('claims_invalid') : read(token, members)
  }

  return {
    recognises: token => token.length <= options.longestToken && tokenForm.test(token),
    find(token) {
      const kept = good.get(token) ?? refused.get(token)
      return kept !== undefined && clock.monotonicMilliseconds() < kept.until ? kept.found : ask(token)
    },
  }
}
