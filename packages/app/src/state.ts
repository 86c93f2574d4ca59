import type { SignedOutReason } from './stored-session.ts'

/**
 * - `signedOut`: nobody is signed in; `reason` says why.
 * - `fresh`: there is a token with time left.
 * - `due`: the token is near its end or past it; the next use renews it.
 * - `refreshing`: a new token is being fetched (or, at the very start, the storage is being read).
 * - `degraded`: still signed in, but renewing did not work. `retryAt` (milliseconds since 1970 by this device's clock)
 *   says when it is tried again; `Infinity`: when the page is looked at again, or by `refresh()` (wrong configuration).
 *   A token that has time left is still given out.
 */
export type State =
  | { readonly status: 'signedOut'; readonly reason: SignedOutReason }
  | { readonly status: 'fresh' | 'due' | 'refreshing' }
  | { readonly status: 'degraded'; readonly retryAt: number }

/** Something that a developer has to know; never holds a token. */
export type Report = (problem: string, cause?: unknown) => void

export interface Announcer {
  /** The same object until something changes. */
  state(): State
  /** True while listeners are being called. */
  announcing(): boolean
  /** Calls the listeners if the state, or who is signed in, has changed. */
  announce(state: State, login: string | undefined): void
  subscribe(listener: (state: State) => void): () => void
}

export function createAnnouncer(report: Report): Announcer {
  const listeners = new Set<(state: State) => void>()
  let state: State = { status: 'refreshing' }
  let shown = ''
  let depth = 0
  return {
    state: () => state,
    announcing: () => depth > 0,
    announce(next, login) {
      const key = JSON.stringify([next, login])
      if (key === shown) return
      shown = key
      state = next
      depth++
      for (const listener of [...listeners]) {
        try {
          listener(state)
        } catch (error) {
          report('A listener threw.', error)
        }
      }
      depth--
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
