import { ConnectionUnavailable } from '@countersign/connections/settings'
import { type Refusal, refuse } from '@countersign/protocol'
import { StoreUnavailable } from '@countersign/store'
import type { Log } from '../log.ts'
import { PasswordQueueFull } from '../passwords/password-hasher.ts'

/**
 * What an endpoint threw: the outside world broke, or we did. Logged by its kind; the world learns when to try again, and
 * nothing else.
 */
export function refusalOfFailure(error: unknown, log: Log, milliseconds: number = performance.now()): Refusal {
  if (error instanceof StoreUnavailable || error instanceof PasswordQueueFull) {
    tell(log, 'warn', { failure: error.name, cause: error.message }, 'unavailable', milliseconds)
    return refuse('unavailable', { retryAfterSeconds: error.retryAfterSeconds })
  }
  if (error instanceof ConnectionUnavailable) {
    tell(log, 'warn', { failure: error.name, cause: error.message }, 'a provider is unavailable', milliseconds)
    return refuse('connection_unavailable', { retryAfterSeconds: error.retryAfterSeconds })
  }
  // A message may quote what was being read, so only the name and the stack's places go to the log.
  const name = error instanceof Error ? error.name : typeof error
  const places = error instanceof Error ? placesOf(error) : []
  tell(log, 'error', { failure: name, places }, 'unexpected failure', milliseconds)
  return refuse('unavailable', { retryAfterSeconds: 5 })
}

interface Told {
  at: number
  /** So many since then, of which nothing is said yet. */
  alike: number
}

const told = new WeakMap<Log, Map<string, Told>>()
const kindsAtMost = 1_000

/**
 * Of what is alike, one line a second, which says how many there were since the one before: while a database is away, each of some thousand requests a second fails in
 * the same way.
 */
function tell(
  log: Log,
  level: 'warn' | 'error',
  facts: Readonly<Record<string, unknown>>,
  text: string,
  milliseconds: number,
): void {
  const kinds = told.get(log) ?? new Map<string, Told>()
  told.set(log, kinds)
  const kind = JSON.stringify([text, facts])
  const before = kinds.get(kind)
  if (before !== undefined && milliseconds - before.at < 1_000) {
    before.alike++
    return
  }
  if (kinds.size >= kindsAtMost) kinds.clear()
  kinds.set(kind, { at: milliseconds, alike: 0 })
  log[level](before === undefined || before.alike === 0 ? facts : { ...facts, alike: before.alike }, text)
}

function placesOf({ stack = '' }: Error): string[] {
  const lines = stack.split('\n').map(line => line.trim())
  return lines.filter(line => line.startsWith('at ')).slice(0, 5)
}
