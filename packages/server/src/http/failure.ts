import { ConnectionUnavailable } from '@countersign/connections/settings'
import { type Refusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import type { Log } from '../log.ts'
import { PasswordQueueFull } from '../passwords/password-hasher.ts'

/**
 * What an endpoint threw: the outside world broke, or we did. Logged by its kind; the world learns when to try again, and
 * nothing else.
 */
export function refusalOfFailure(error: unknown, log: Log): Refusal {
  if (error instanceof StoreUnavailable || error instanceof PasswordQueueFull) {
    log.warn({ failure: error.name, cause: error.message }, 'unavailable')
    return refuse('unavailable', { retryAfterSeconds: error.retryAfterSeconds })
  }
  if (error instanceof ConnectionUnavailable) {
    log.warn({ failure: error.name, cause: error.message }, 'a provider is unavailable')
    return refuse('connection_unavailable', { retryAfterSeconds: error.retryAfterSeconds })
  }
  // A message may quote what was being read, so only the name and the stack's places go to the log.
  const name = error instanceof Error ? error.name : typeof error
  log.error({ failure: name, places: error instanceof Error ? placesOf(error) : [] }, 'unexpected failure')
  return refuse('unavailable', { retryAfterSeconds: 5 })
}

function placesOf({ stack = '' }: Error): string[] {
  const lines = stack.split('\n').map(line => line.trim())
  return lines.filter(line => line.startsWith('at ')).slice(0, 5)
}
