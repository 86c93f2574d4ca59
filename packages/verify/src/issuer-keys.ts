import { type Refusal, refuse } from '@countersign/protocol'
import { opening } from './opening.ts'
import { fetchJson, OutboundFault } from './outbound.ts'
import { type OnProblem, problemTeller } from './problem.ts'
import { backoffMilliseconds, type Runtime } from './runtime.ts'
import type { Algorithm } from './signature.ts'
import { type KeysById, readKeySet, type VerificationKey } from './verification-key.ts'

/** The published keys of one issuer, kept fresh. */
export interface IssuerKeys {
  /** The key by its exact id. A promise only if the key set must be fetched first. */
  find(kid: string | undefined): VerificationKey | Refusal | Promise<VerificationKey | Refusal>
  /** Fetches now, without regard to the cool-down: somebody who must know says that the keys have changed. */
  renew(): void
  /** True once the keys have been fetched for the first time; false if closed before. */
  ready(): Promise<boolean>
  status(): KeysStatus
  close(): void
}

export interface KeysStatus {
  /** Keys in use; 0 until the first fetch has succeeded. */
  readonly count: number
  /** Seconds since the key set was last fetched. */
  readonly ageSeconds: number | undefined
  /** True while fetches fail; the keys of before stay in use meanwhile. */
  readonly failing: boolean
  /** Why the last fetch failed; undefined if it did not. */
  readonly fault: string | undefined
}

export interface IssuerKeysOptions {
  /** Where the key set is; may have to be discovered. */
  readonly locate: () => Promise<string>
  /** What the request for the key set carries; absent: it is there for everybody. */
  readonly authorization?: string
  /** Called after a failure: the address may have moved. */
  readonly relocate: () => void
  readonly algorithms: readonly Algorithm[]
  /** An unknown id refetches at most this often. */
  readonly cooldownMilliseconds: number
  /** How long keys may be used after their max-age while the issuer does not answer. */
  readonly staleIfErrorMilliseconds: number
  readonly onProblem: OnProblem
}

const limits = { milliseconds: 10_000, bytes: 512 * 1024 }
const waitingAtMost = 1_000
const retryBaseMilliseconds = 500
const retryCeilingMilliseconds = 30_000

export function issuerKeys(runtime: Runtime, options: IssuerKeysOptions): IssuerKeys {
  const { clock, timers, random } = runtime
  let keys: KeysById | undefined
  let fetchedAt = 0
  let freshUntil = 0
  let failures = 0
  let fault: string | undefined
  const problem = problemTeller('keys', options.onProblem)
  let retryAt = Number.NEGATIVE_INFINITY
  let probedAt = Number.NEGATIVE_INFINITY
  let loading: Promise<boolean> | undefined
  let waiting = 0
  let timer: unknown
  let closed = false
  const first = opening<boolean>()

  function load(): Promise<boolean> {
    if (closed) return Promise.resolve(keys !== undefined)
    loading ??= fetchKeys().finally(() => {
      loading = undefined
    })
    return loading
  }

  async function fetchKeys(): Promise<boolean> {
    timers.clear(timer)
    try {
      const url = await options.locate()
      // An answer may be long under way, and says nothing of what has changed meanwhile.
      const askedAt = clock.monotonicMilliseconds()
      const { keys: read, maxAgeMilliseconds } = await fetchKeySet(runtime, url, options, keys)
      if (closed) return keys !== undefined
      retireMissing(keys, read)
      keys = read
      first.resolve(true)
      failures = 0
      fault = undefined
      problem.end('the keys of the issuer are there.')
      fetchedAt = askedAt
      freshUntil = fetchedAt + maxAgeMilliseconds
      // Ahead of time and not all nodes at once: between 70 and 90 % of the life.
      plan(maxAgeMilliseconds * (0.7 + 0.2 * random()))
    } catch (thrown) {
      if (closed) return keys !== undefined
      options.relocate()
      failures++
      noteFault(thrown)
      const pause = backoffMilliseconds(failures, random, retryBaseMilliseconds, retryCeilingMilliseconds)
      retryAt = clock.monotonicMilliseconds() + pause
      plan(pause)
    }
    return keys !== undefined
  }

  /** Told once there are no keys that are fresh: one failure while the others last is of no interest to anyone. */
  function noteFault(thrown: unknown): void {
    fault = thrown instanceof OutboundFault ? thrown.message : 'the keys could not be fetched'
    const now = clock.monotonicMilliseconds()
    if (keys !== undefined && now < freshUntil) return
    const meanwhile =
      usable(now) === undefined ? 'Every request with a token is answered 503.' : 'Those of before serve.'
    problem.tell(`no keys from the issuer: ${fault}. ${meanwhile}`)
  }

  function plan(milliseconds: number): void {
    if (!closed) timer = timers.set(() => void load(), milliseconds)
  }

  function usable(now: number): KeysById | undefined {
    return now < freshUntil + options.staleIfErrorMilliseconds ? keys : undefined
  }

  function find(kid: string | undefined): VerificationKey | Refusal | Promise<VerificationKey | Refusal> {
    const now = clock.monotonicMilliseconds()
    const known = usable(now)
    const key = known?.get(kid)
    if (key !== undefined && now < freshUntil) return standing(key)
    if (failures > 0) {
      if (now >= retryAt) void load()
      if (key !== undefined) return standing(key)
      // A key that a failing issuer cannot be asked about is nobody's fault; the token is not judged.
      if (loading === undefined) return unavailable()
    } else if (known !== undefined && key === undefined && loading === undefined) {
      if (now - probedAt < options.cooldownMilliseconds) return refuse('key_unknown')
      probedAt = now
    }
    return findAfterLoad(kid)
  }

  async function findAfterLoad(kid: string | undefined): Promise<VerificationKey | Refusal> {
    // Whoever floods with made-up ids fills this small room, not the memory.
    if (waiting >= waitingAtMost) return unavailable()
    waiting++
    try {
      await load()
    } finally {
      waiting--
    }
    const key = usable(clock.monotonicMilliseconds())?.get(kid)
    if (key !== undefined) return standing(key)
    return failures > 0 || keys === undefined ? unavailable() : refuse('key_unknown')
  }

  function standing(key: VerificationKey): VerificationKey | Refusal {
    return clock.wallMilliseconds() < key.expiresSeconds * 1000 ? key : refuse('key_unknown')
  }

  void load()

  return {
    find,
    renew() {
      probedAt = Number.NEGATIVE_INFINITY
      void load()
    },
    ready: () => first.promise,
    status: () => ({
      count: keys?.size ?? 0,
      ageSeconds: keys === undefined ? undefined : (clock.monotonicMilliseconds() - fetchedAt) / 1000,
      failing: failures > 0,
      fault,
    }),
    close() {
      closed = true
      timers.clear(timer)
      first.resolve(false)
    },
  }
}

function unavailable(): Refusal {
  return refuse('keys_unavailable', { retryAfterSeconds: 5 })
}

async function fetchKeySet(
  runtime: Runtime,
  url: string,
  options: IssuerKeysOptions,
  known: KeysById | undefined,
): Promise<{ keys: KeysById; maxAgeMilliseconds: number }> {
  const accept = 'application/jwk-set+json, application/json'
  const { authorization } = options
  const sent = { accept, ...(authorization !== undefined && { authorization }) }
  const { status, headers, body } = await fetchJson(runtime, url, { headers: sent }, limits)
  if (status !== 200) throw new OutboundFault(`${url} answered ${status}`)
  const keys = readKeySet(body, options.algorithms, known)
  if (keys === undefined) throw new OutboundFault(`${url} sent no key set`)
  return { keys, maxAgeMilliseconds: maxAgeSeconds(headers) * 1000 }
}

function retireMissing(before: KeysById | undefined, now: KeysById): void {
  if (before === undefined) return
  for (const [kid, key] of before) if (now.get(kid) !== key) key.live = false
}

const defaultMaxAgeSeconds = 300
const shortestMaxAgeSeconds = 30
const longestMaxAgeSeconds = 86_400

/** How long a key set may be used by its `Cache-Control` and `Age` (RFC 9111 §4.2), between 30 s and a day. */
function maxAgeSeconds(headers: Headers): number {
  const cacheControl = headers.get('cache-control') ?? ''
  if (/\bno-(store|cache)\b/i.test(cacheControl)) return shortestMaxAgeSeconds
  const stated = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(cacheControl)?.[1]
  if (stated === undefined) return defaultMaxAgeSeconds
  const spent = Number.parseInt(headers.get('age') ?? '0', 10) || 0
  return Math.min(longestMaxAgeSeconds, Math.max(shortestMaxAgeSeconds, Number(stated) - spent))
}
