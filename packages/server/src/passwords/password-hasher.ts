import { timingSafeEqual } from 'node:crypto'
import type { ImportedWork, RandomBytes } from '@countersign/core'
import { createBcryptThreads } from './bcrypt-threads.ts'
import { createBoundedQueue, type QueueLoad } from './bounded-queue.ts'
import { createDeriveKey, type DeriveKey, deriveTag } from './derive-key.ts'
import { type Derivation, digestBytes, type ImportedHash, parseImportedHash, schemeOf } from './imported-hash.ts'
import { idleWork, millisecondsOfArgon2, millisecondsOfWork, workOf } from './imported-work.ts'
import { normalizePassword } from './password-policy.ts'
import { type Argon2Parameters, formatPhc, type PasswordHash, parsePhc } from './phc-string.ts'

/**
 * 19 MiB, two passes, one lane (OWASP's first recommendation for argon2id): about 28 ms of one core. The work is done on
 * the thread pool of Node, so the event loop goes on answering.
 */
export const defaultArgon2Parameters: Argon2Parameters = { memoryKib: 19_456, passes: 2, lanes: 1 }

/** A hundred of ours are reckoned to take as long: what was imported makes nobody wait for longer. */
const waitingMillisecondsAtMost = 2_200

const saltBytes = 16
const tagBytes = 32

/** More passwords wait to be judged than can be judged soon. Answered 503 with `Retry-After`; says nothing of the password. */
export class PasswordQueueFull extends Error {
  override readonly name = 'PasswordQueueFull'
  readonly retryAfterSeconds: number

  /** @param milliseconds how long those take that are there, about. */
  constructor(milliseconds = 0) {
    super('too many passwords are waiting to be judged')
    this.retryAfterSeconds = Math.max(2, Math.ceil(milliseconds / 1000))
  }
}

/** How a hash was made. */
export interface ReadHash {
  readonly scheme: string
  /** What it costs besides; absent: it is one of ours of today. */
  readonly derivation?: Derivation
}

export interface PasswordHasher {
  /**
   * A PHC string (`$argon2id$v=19$m=…,t=…,p=…$salt$tag`). Whether the password is acceptable is the policy's affair; throws for what
   * `normalizePassword` leaves alone.
   */
  hash(password: string, more?: { readonly from?: string }): Promise<string>
  /**
   * Judges a password. `null` (no such account, or one without a password), an unreadable hash and a text that is too long to be
   * a password cost the same work and never match. `needsRehash`: it matches, and was made elsewhere, or with other parameters than today's. `from` is the
   * `addressKey` of who asks: turns go round by it, so that a flood from one address makes nobody else wait.
   *
   * Of hashes that were imported, `importedWork` says what the dearest of each kind costs. Every judgement costs an argon2 of ours and all of that, whether the account
   * has such a hash, has one of ours, or is none: so nobody can tell which.
   */
  verify(
    password: string,
    hash: string | null,
    more?: { readonly from?: string; readonly importedWork?: ImportedWork | undefined },
  ): Promise<{ readonly matches: boolean; readonly needsRehash: boolean }>
  /** `undefined`: it cannot be judged, and would match nothing. */
  read(hash: string): ReadHash | undefined
  /** How many are being judged, and wait. */
  load(): QueueLoad
  /** Takes nothing new, and refuses what waits; resolves when what is being judged is done. */
  close(): Promise<void>
}

export interface PasswordHasherOptions {
  readonly random: RandomBytes
  readonly parameters?: Argon2Parameters
  /** How many at once: the thread pool has four threads by default, and others need it too. Default 2. */
  readonly maxConcurrent?: number
  /** How many may wait; beyond, `hash` and `verify` throw `PasswordQueueFull`. Default 100: 1.5 s of waiting on two idle cores. With imported hashes, or where judging takes longer, fewer: as many as are judged in two seconds. */
  readonly maxQueue?: number
  /** How keys are derived: an argument so that the work can be counted. */
  readonly deriveKey?: DeriveKey
}

export function createPasswordHasher(options: PasswordHasherOptions): PasswordHasher {
  const { random, parameters = defaultArgon2Parameters, maxConcurrent = 2, maxQueue = 100 } = options
  const bcrypt = createBcryptThreads()
  const { deriveKey = createDeriveKey(bcrypt) } = options
  const queue = createBoundedQueue({
    concurrent: maxConcurrent,
    waiting: maxQueue,
    waitingMilliseconds: waitingMillisecondsAtMost,
    full: milliseconds => new PasswordQueueFull(milliseconds),
  })
  // Same cost as a real hash, and nobody's.
  const dummy: PasswordHash = { ...parameters, salt: random(saltBytes), tag: random(tagBytes) }

  function derive(message: string, { salt, tag, ...cost }: PasswordHash): Promise<Buffer> {
    return deriveKey(message, { scheme: 'argon2id', ...cost, salt }, tag.length)
  }

  /** Of a judgement; making one of ours costs the same without what was imported. */
  function milliseconds(importedWork: ImportedWork = {}): number {
    return millisecondsOfArgon2(parameters) + millisecondsOfWork(importedWork)
  }

  async function idle(kind: string, amount: number): Promise<void> {
    for (const one of idleWork(kind, amount, random)) await deriveKey('', one, bytesOfOneBlock(one))
  }

  /** The work of all kinds, in one order; of the account's own hash, if it is one of them, with what is missing to the dearest of its kind. */
  async function judgeImported(
    password: string,
    hash: ImportedHash | undefined,
    importedWork: ImportedWork,
  ): Promise<boolean> {
    const own = hash && workOf(hash)
    const all = own === undefined ? importedWork : { [own.kind]: own.amount, ...importedWork }
    let matches = false
    for (const kind of Object.keys(all).sort()) {
      const amount = all[kind] ?? 0
      if (hash === undefined || kind !== own?.kind) {
        await idle(kind, amount)
        continue
      }
      matches = timingSafeEqual(await deriveTag(password, hash, deriveKey), hash.tag)
      await idle(kind, Math.max(0, amount - own.amount))
    }
    return matches
  }

  return {
    hash: (password, more = {}) =>
      queue.run(
        async () => {
          const message = normalizePassword(password)
          if (message === undefined) throw new RangeError('What is no password cannot be hashed.')
          const made = { ...parameters, salt: random(saltBytes), tag: Buffer.alloc(tagBytes) }
          return formatPhc({ ...made, tag: await derive(message, made) })
        },
        more.from,
        milliseconds(),
      ),
    verify: (password, hash, more = {}) =>
      queue.run(
        async () => {
          const read = hash === null ? undefined : parsePhc(hash)
          const stored = read && costsTheSame(read, parameters) ? read : undefined
          const imported = hash === null || stored !== undefined ? undefined : parseImportedHash(hash)
          // Lone surrogates all become the same bytes, so a password that holds one could match another's.
          const message = password.isWellFormed() ? normalizePassword(password) : undefined
          const judged = stored ?? dummy
          const equal = timingSafeEqual(await derive(message ?? '', judged), judged.tag)
          // What is no password is judged all the same, for the time that it takes.
          const typed = message === undefined ? '' : password
          // A hash that was imported may look like one of ours, and be of accents as they were typed. Whosever password it is: only who types so waits for it.
          const isComposed = message === undefined || message === password
          const equalTyped = !isComposed && timingSafeEqual(await derive(typed, judged), judged.tag)
          const equalImported = await judgeImported(typed, imported, more.importedWork ?? {})
          const isOurs = equal && stored !== undefined
          const isImported = equalImported && imported !== undefined && mayMatch(imported, password)
          const isAsTyped = equalTyped && stored !== undefined
          const matches = message !== undefined && (isOurs || isImported || isAsTyped)
          return { matches, needsRehash: matches && !isOurs }
        },
        more.from,
        milliseconds(more.importedWork),
      ),
    read(hash) {
      const read = parsePhc(hash)
      if (read !== undefined && costsTheSame(read, parameters)) return { scheme: 'argon2id' }
      const imported = parseImportedHash(hash)
      return imported && { scheme: schemeOf(imported), derivation: imported }
    },
    load: () => queue.load(),
    async close() {
      await queue.close()
      await bcrypt.close()
    },
  }
}

/** PBKDF2 makes each block of a longer key anew, at the price of the first; no hash that is judged has two. */
function bytesOfOneBlock(derivation: Derivation): number {
  return derivation.scheme === 'pbkdf2' ? Math.min(tagBytes, digestBytes[derivation.digest]) : tagBytes
}

/** bcrypt ends at a NUL wherever it is made in C: a password with one would be as good as its beginning. Of more than 72 bytes it knows the first 72 alone, and so do we. */
function mayMatch({ scheme }: ImportedHash, password: string): boolean {
  return scheme !== 'bcrypt' || !password.includes('\0')
}

/** A hash as we make it today. */
function costsTheSame(hash: PasswordHash, wanted: Argon2Parameters): boolean {
  return (
    hash.memoryKib === wanted.memoryKib &&
    hash.passes === wanted.passes &&
    hash.lanes === wanted.lanes &&
    hash.salt.length >= saltBytes &&
    hash.tag.length >= tagBytes
  )
}
