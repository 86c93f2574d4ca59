import type { ImportedWork, RandomBytes } from '@countersign/core'
import type { Derivation } from './imported-hash.ts'

/**
 * Kinds of work at once. Each of them is done at every judgement, whosever password it is (`password-hasher.ts`), so all of them together have to stay bearable.
 */
const kindsOfWorkAtMost = 4

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

/** With what the judgement of one more hash costs. The same object: nothing is added. `undefined`: it would be a kind too many. */
export function withWork(work: ImportedWork, derivation: Derivation): ImportedWork | undefined {
  const { kind, amount } = workOf(derivation)
  const before = work[kind]
  if (before !== undefined && before >= amount) return work
  if (before === undefined && Object.keys(work).length >= kindsOfWorkAtMost) return undefined
  return { ...work, [kind]: amount }
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
