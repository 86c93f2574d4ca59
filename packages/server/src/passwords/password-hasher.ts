import { argon2, timingSafeEqual } from 'node:crypto'
import type { RandomBytes } from '@countersign/core'
import { createBoundedQueue, type QueueLoad } from './bounded-queue.ts'
import { normalizePassword } from './password-policy.ts'
import { type Argon2Parameters, formatPhc, type PasswordHash, parsePhc } from './phc-string.ts'

/**
 * 19 MiB, two passes, one lane (OWASP's first recommendation for argon2id): about 28 ms of one core. The work is done on
 * the thread pool of Node, so the event loop goes on answering.
 */
export const defaultArgon2Parameters: Argon2Parameters = { memoryKib: 19_456, passes: 2, lanes: 1 }

const saltBytes = 16
const tagBytes = 32

/** More passwords wait to be judged than can be judged soon. Answered 503 with `Retry-After`; says nothing of the password. */
export class PasswordQueueFull extends Error {
  override readonly name = 'PasswordQueueFull'
  readonly retryAfterSeconds = 2

  constructor() {
    super('too many passwords are waiting to be judged')
  }
}

export interface PasswordHasher {
  /**
   * A PHC string (`$argon2id$v=19$m=…,t=…,p=…$salt$tag`). Whether the password is acceptable is the policy's affair; throws for what
   * `normalizePassword` leaves alone.
   */
  hash(password: string, more?: { readonly from?: string }): Promise<string>
  /**
   * Judges a password. `null` (no such account, or one without a password), an unreadable hash and a text that is too long to be
   * a password cost the same work and never match. `needsRehash`: it matches, and was made with other parameters than today's. `from` is the `addressKey` of
   * who asks: turns go round by it, so that a flood from one address makes nobody else wait.
   */
  verify(
    password: string,
    phc: string | null,
    more?: { readonly from?: string },
  ): Promise<{ readonly matches: boolean; readonly needsRehash: boolean }>
  /** How many are being judged, and wait. */
  load(): QueueLoad
  /** Takes nothing new; resolves when what was taken is done. */
  close(): Promise<void>
}

export interface PasswordHasherOptions {
  readonly random: RandomBytes
  readonly parameters?: Argon2Parameters
  /** How many at once: the thread pool has four threads by default, and others need it too. Default 2. */
  readonly maxConcurrent?: number
  /** How many may wait; beyond, `hash` and `verify` throw `PasswordQueueFull`. Default 100: 1.5 s of waiting on two idle cores. */
  readonly maxQueue?: number
}

export function createPasswordHasher(options: PasswordHasherOptions): PasswordHasher {
  const { random, parameters = defaultArgon2Parameters, maxConcurrent = 2, maxQueue = 100 } = options
  const queue = createBoundedQueue({
    concurrent: maxConcurrent,
    waiting: maxQueue,
    full: () => new PasswordQueueFull(),
  })
  // Same cost as a real hash, and nobody's.
  const dummy: PasswordHash = { ...parameters, salt: random(saltBytes), tag: random(tagBytes) }

  return {
    hash: (password, more = {}) =>
      queue.run(async () => {
        const message = normalizePassword(password)
        if (message === undefined) throw new RangeError('What is no password cannot be hashed.')
        const salt = random(saltBytes)
        return formatPhc({ ...parameters, salt, tag: await derive(message, parameters, salt, tagBytes) })
      }, more.from),
    verify: (password, phc, more = {}) =>
      queue.run(async () => {
        const stored = phc === null ? undefined : parsePhc(phc)
        const { salt, tag, ...cost } = stored ?? dummy
        const message = normalizePassword(password)
        const equal = timingSafeEqual(await derive(message ?? '', cost, salt, tag.length), tag)
        // Lone surrogates all become the same bytes, so a password that holds one could match another's.
        const matches = equal && stored !== undefined && message !== undefined && password.isWellFormed()
        return { matches, needsRehash: matches && !costsTheSame(stored, parameters) }
      }, more.from),
    load: () => queue.load(),
    close: () => queue.close(),
  }
}

function derive(message: string, cost: Argon2Parameters, salt: Buffer, tagLength: number): Promise<Buffer> {
  const request = {
    message,
    nonce: salt,
    parallelism: cost.lanes,
    tagLength,
    memory: cost.memoryKib,
    passes: cost.passes,
  }
  return new Promise((resolve, reject) => {
    argon2('argon2id', request, (error, tag) => (error ? reject(error) : resolve(tag)))
  })
}

function costsTheSame(hash: PasswordHash, wanted: Argon2Parameters): boolean {
  return (
    hash.memoryKib === wanted.memoryKib &&
    hash.passes === wanted.passes &&
    hash.lanes === wanted.lanes &&
    hash.salt.length >= saltBytes &&
    hash.tag.length >= tagBytes
  )
}
