import { type Client, isPublic, isVouchedFor } from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import { addressKey } from '../passwords/address-key.ts'
import type { Services } from '../services.ts'

/** What is counted: of whom, by which name, and how many of it there may be a minute. */
export interface Counted {
  readonly client: Client
  readonly ip: string
  readonly what: string
  readonly perMinute: number
}

/**
 * Counts by address, and by client, what everybody can make this server write: anybody can name a public client, and anybody can register one with a secret or
 * a key. One that an operator has made or declared, and that has shown who it is, is not counted. Nor is a public one by its id: others would use that up.
 * Refused with `too_many_attempts`.
 */
export async function limitStrangers(
  { counters }: Pick<Services, 'counters'>,
  { client, ip, what, perMinute }: Counted,
): Promise<Refusal | undefined> {
  const hasShownItself = !isPublic(client)
  if (hasShownItself && isVouchedFor(client)) return undefined
  const keys = [[what, addressKey(ip)] as const, ...(hasShownItself ? [[`${what} of client`, client.id] as const] : [])]
  for (const [kind, key] of keys) {
    const limit = { kind, attempts: perMinute, windowSeconds: 60 }
    const { allowed, retryAfterSeconds } = await counters.take(limit, key)
    if (!allowed) return refuse('too_many_attempts', { retryAfterSeconds })
  }
  return undefined
}
