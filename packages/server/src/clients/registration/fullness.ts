import type { ClientOrigin } from '@countersign/core'
import type { Services } from '../../services.ts'
import { registrationPolicy } from './registered-client.ts'

const countAgainMs = 60_000

/**
 * Whether there are as many clients that came so as there may be. Counting takes long, so it is done once a minute; in between each one that is let through
 * counts.
 */
export function fullness(
  services: Pick<Services, 'config' | 'store' | 'clock'>,
  origin: ClientOrigin,
): () => Promise<boolean> {
  let counted = { clients: 0, time: Number.NEGATIVE_INFINITY }
  return async () => {
    const time = services.clock()
    if (Math.abs(time - counted.time) >= countAgainMs) {
      counted = { clients: await services.store.countClients(origin), time }
    }
    if (counted.clients >= registrationPolicy(services).clientsAtMost) return true
    counted.clients++
    return false
  }
}
