import type { StoredSession, TokenStorage } from '../stored-session.ts'

/** The part of Web Storage that is used. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export interface WebStorageOptions {
  /** `localStorage` or `sessionStorage` by default. Taken when it is used: in some browsers, reading it throws. */
  readonly area?: () => TextStorage
  /** Where the `storage` events of other tabs arrive. */
  readonly events?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'>
}

/**
 * localStorage: shared by all tabs of the origin, survives a restart. It holds text only, so no key: the refresh
 * token is unbound, and whoever reads it can use it elsewhere until the next refresh shows the theft.
 *
 * Risks: any script that runs in the page once (XSS) can carry the refresh token away; it lies in plain text in the
 * browser profile. Compare-and-set is not atomic between tabs here: Web Locks keep them apart, and where those are
 * missing the server's grace does. Prefer IndexedDB.
 */
export function localStorageStorage(name: string, options: WebStorageOptions = {}): TokenStorage {
  const { area = () => localStorage, events = globalThis.window } = options
  return {
    ...textStorage(name, area),
    shared: true,
    subscribe(changed) {
      // Fires in the other tabs only. `key` is null when everything was cleared.
      const listener = (event: Event) => {
        const { key } = event as StorageEvent
        if (key === name || key === null) changed()
      }
      events.addEventListener('storage', listener)
      return () => events.removeEventListener('storage', listener)
    },
  }
}

/**
 * sessionStorage: one login per tab, gone when the tab is closed, kept when it is reloaded. Unbound, like localStorage.
 *
 * Risks: any script that runs in the page once (XSS) can carry the refresh token away. A *duplicated* tab starts with
 * a copy of it: two tabs then refresh one family, which the server tolerates within its grace only and then takes for
 * theft. Where tabs get duplicated, prefer IndexedDB (one login) or memory (one login each).
 */
export function sessionStorageStorage(name: string, options: WebStorageOptions = {}): TokenStorage {
  const { area = () => sessionStorage } = options
  return { ...textStorage(name, area), shared: false, subscribe: () => () => {} }
}

function textStorage(name: string, area: () => TextStorage): Omit<TokenStorage, 'shared' | 'subscribe'> {
  const read = (): StoredSession | undefined => JSON.parse(area().getItem(name) ?? 'null') ?? undefined
  return {
    name,
    holdsKeys: false,
    get: async () => read(),
    async compareAndSet(expected, next) {
      if (read()?.version !== expected) return false
      area().setItem(name, JSON.stringify(next))
      return true
    },
    async remove(expected) {
      if (read()?.version !== expected) return false
      area().removeItem(name)
      return true
    },
  }
}
