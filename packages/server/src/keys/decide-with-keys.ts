import type {
  Instant,
  KeyRing,
  MacKey,
  MakeSigningKey,
  NewSigningKey,
  RandomBytes,
  SigningAlgorithm,
} from '@countersign/core'
import { makeSigningKey } from './make-signing-key.ts'

/** What the ring should be; `undefined` if there is nothing to be done for what was asked. */
export type DecideRing = (ring: KeyRing, now: Instant, make: MakeSigningKey) => KeyRing | undefined

/**
 * A decision does not wait, and making a key may take long. So it is asked twice: first for what it needs, then with the keys at
 * hand. It is pure, so that it needs the same both times.
 */
export async function decideWithKeys(
  decide: (make: MakeSigningKey) => KeyRing | undefined,
  { sealingKey, random }: { sealingKey: MacKey; random: RandomBytes },
): Promise<KeyRing | undefined> {
  const needed: SigningAlgorithm[] = []
  const outcome = decide(alg => {
    needed.push(alg)
    return { kid: `needed ${needed.length}`, alg, publicJwk: {}, sealedPrivate: null }
  })
  if (needed.length === 0) return outcome
  const made = await Promise.all(needed.map(algorithm => makeSigningKey(algorithm, sealingKey, random)))
  return decide(() => made.shift() as NewSigningKey)
}
