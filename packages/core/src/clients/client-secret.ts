import { hash, timingSafeEqual } from 'node:crypto'
import type { Instant, RandomBytes } from '../ids.ts'
import type { Client } from './client.ts'

/** A secret as it is handed out, once: recognisable, so that scanners find one that has leaked. 32 random bytes. */
export function makeClientSecret(random: RandomBytes): string {
  return `cs_cs_${random(32).toString('base64url')}`
}

/** Secrets are random and long (at least 32 bytes): a plain hash is enough, and makes checking cheap. */
export function hashClientSecret(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** True if `secret` is one of the client's and good at `now`; takes as long for a wrong one as for a right one. */
export function clientSecretMatches(client: Client, secret: string, now: Instant): boolean {
  const presented = Buffer.from(hashClientSecret(secret))
  let matches = false
  for (const hash of client.secretHashes) {
    const isRight = hashesAreEqual(Buffer.from(hash), presented)
    if (isRight && now < (client.secretEnds[hash] ?? Number.POSITIVE_INFINITY)) matches = true
  }
  return matches
}

/** Which of the hashes the token has: its place, or -1. */
export function placeOfHash(hashes: readonly string[], token: string): number {
  const presented = Buffer.from(hashClientSecret(token))
  let place = -1
  for (const [index, hash] of hashes.entries()) if (hashesAreEqual(Buffer.from(hash), presented)) place = index
  return place
}

function hashesAreEqual(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

/** What a secret is called where it cannot be shown any more. */
export function secretName(hash: string): string {
  return hash.slice(0, 10)
}

/**
 * The client with one more secret. The newest of those before stays beside it, for ever or until `oldEndsAt`; older ones go, so that there are never more
 * than two.
 */
export function withNewSecret(
  client: Client,
  hash: string,
  more: { now: Instant; endsAt?: Instant | undefined; oldEndsAt?: Instant | undefined },
): Client {
  const { now, endsAt, oldEndsAt } = more
  const living = client.secretHashes.filter(one => now < (client.secretEnds[one] ?? Number.POSITIVE_INFINITY))
  const kept = living.slice(0, 1).filter(() => oldEndsAt === undefined || now < oldEndsAt)
  const secretEnds: Record<string, Instant> = {}
  if (endsAt !== undefined) secretEnds[hash] = endsAt
  for (const one of kept) {
    const end = Math.min(client.secretEnds[one] ?? Number.POSITIVE_INFINITY, oldEndsAt ?? Number.POSITIVE_INFINITY)
    if (Number.isFinite(end)) secretEnds[one] = end
  }
  return { ...client, secretHashes: [hash, ...kept], secretEnds }
}

/** The client without a secret, by its name or hash; `undefined` if it has none of that name, or no other. */
export function withoutSecret(client: Client, name: string): Client | undefined {
  const left = client.secretHashes.filter(hash => hash !== name && secretName(hash) !== name)
  if (left.length === client.secretHashes.length || left.length === 0) return undefined
  const secretEnds = Object.fromEntries(Object.entries(client.secretEnds).filter(([hash]) => left.includes(hash)))
  return { ...client, secretHashes: left, secretEnds }
}
