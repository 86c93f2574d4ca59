import type { ImportedWork, RandomBytes } from '@countersign/core'
import type { Derivation } from './imported-hash.ts'
import type { Argon2Parameters } from './phc-string.ts'

/**
 * Kinds of work at once, and what all of them may cost. Each of them is done at every judgement, whosever password it is (`password-hasher.ts`), so all of them together have
 * to stay bearable.
 */
const kindsOfWorkAtMost = 4
const millisecondsAtMost = 1_500

/**
 * Milliseconds of a core for a unit of each kind, as the dearest hash within bounds took (processor time, the least of three, 29 November 2026, Node 24.21, at a load of 8):
 * `2^cost` of bcrypt, an iteration of PBKDF2, `N·r·p` of scrypt, a KiB and pass of argon2. Rough: what is decided by it is how many may wait.
 */
const millisecondsOf = {
  bcrypt: 0.067,
  'pbkdf2-sha1': 0.000_13,
  'pbkdf2-sha256': 0.000_13,
  'pbkdf2-sha512': 0.000_43,
  scrypt: 0.000_31,
  argon2: 0.001_1,
} as const

/** The kind of work that a derivation is, and how much of it. */
export function workOf(derivation: Derivation): { readonly kind: string; readonly amount: number } {
  switch (derivation.scheme) {
    case 'bcrypt':
      return { kind: 'bcrypt', amount: 2 ** derivation.cost }
    case 'pbkdf2':
      return { kind: `pbkdf2-${derivation.digest}`, amount: derivation.iterations }
    case 'scrypt':
      return {
        kind: `scrypt N=${derivation.cost},r=${derivation.blockSize},p=${derivation.parallelization}`,
        amount: 1,
      }
    default:
      return {
        kind: `${derivation.scheme} m=${derivation.memoryKib},t=${derivation.passes},p=${derivation.lanes}`,
        amount: 1,
      }
  }
}

/** With what the judgement of one more hash costs. The same object: nothing is added. `undefined`: it would be a kind too many, or all together too dear. */
export function withWork(work: ImportedWork, derivation: Derivation): ImportedWork | undefined {
  const { kind, amount } = workOf(derivation)
  const before = work[kind]
  if (before !== undefined && before >= amount) return work
  if (before === undefined && Object.keys(work).length >= kindsOfWorkAtMost) return undefined
  const all = { ...work, [kind]: amount }
  return millisecondsOfWork(all) <= millisecondsAtMost ? all : undefined
}

/** What all kinds together take a core, about. */
export function millisecondsOfWork(work: ImportedWork): number {
  return Object.entries(work)
    .map(([kind, amount]) => {
      if (Object.hasOwn(millisecondsOf, kind)) return amount * millisecondsOf[kind as keyof typeof millisecondsOf]
      const [, cost, blockSize, parallelization] = (scryptKind.exec(kind) ?? []).map(Number)
      if (cost && blockSize && parallelization) return cost * blockSize * parallelization * millisecondsOf.scrypt
      const [memoryKib, passes] = (argon2Kind.exec(kind) ?? []).slice(2).map(Number)
      return memoryKib && passes ? millisecondsOfArgon2({ memoryKib, passes }) : 0
    })
    .reduce((one, other) => one + other, 0)
}

export function millisecondsOfArgon2({ memoryKib, passes }: Pick<Argon2Parameters, 'memoryKib' | 'passes'>): number {
  return memoryKib * passes * millisecondsOf.argon2
}

const scryptKind = /^scrypt N=(\d+),r=(\d+),p=(\d+)$/
const argon2Kind = /^(argon2id?) m=(\d+),t=(\d+),p=(\d+)$/

/** Derivations of nobody's hash that are so much work of a kind. None, of a kind that is not known here. */
export function idleWork(kind: string, amount: number, random: RandomBytes): readonly Derivation[] {
  const salt = random(16)
  // Each step of the cost is twice the work: the digits of the amount are the costs.
  if (kind === 'bcrypt') return powersOf(amount).map(cost => ({ scheme: 'bcrypt', cost, salt: '.'.repeat(22) }))
  const digest = /^pbkdf2-(sha1|sha256|sha512)$/.exec(kind)?.[1] as 'sha1' | 'sha256' | 'sha512' | undefined
  if (digest !== undefined) return amount > 0 ? [{ scheme: 'pbkdf2', digest, iterations: amount, salt }] : []
  if (amount === 0) return []
  const [, cost, blockSize, parallelization] = (scryptKind.exec(kind) ?? []).map(Number)
  if (cost && blockSize && parallelization) return [{ scheme: 'scrypt', cost, blockSize, parallelization, salt }]
  const [, scheme, ...parameters] = argon2Kind.exec(kind) ?? []
  const [memoryKib, passes, lanes] = parameters.map(Number)
  const isArgon2 = scheme === 'argon2id' || scheme === 'argon2i'
  return isArgon2 && memoryKib && passes && lanes ? [{ scheme, memoryKib, passes, lanes, salt }] : []
}

/** The exponents of the powers of two that make up a number. */
function powersOf(amount: number): number[] {
  return Array.from({ length: 31 }, (_, exponent) => exponent).filter(exponent => (amount & (2 ** exponent)) !== 0)
}
