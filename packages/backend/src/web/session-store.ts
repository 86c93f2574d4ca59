/**
 * Where logins are kept beside the cookie, if they are to be taken away without the browser's help, or are too large for it. What is kept is
 * sealed with a key that is made from the app's secret and the cookie: neither the store alone nor the store with the secret opens it.
 */
export interface SessionStore {
  /** `now`: milliseconds since 1970. What has ended by then is not there. */
  load(key: string, now: number): Promise<StoredSession | undefined>
  /** Writes if the stored version is `before` (0: there is none). False: another was faster. A new one sweeps away what has ended. */
  save(key: string, session: Omit<StoredSession, 'version'>, before: number, now: number): Promise<boolean>
  remove(key: string): Promise<void>
  /** Removes every one of this session at the issuer, which has ended. */
  removeOf(session: string): Promise<void>
}

export interface StoredSession {
  readonly sealed: string
  /** Which session at the issuer it belongs to: a hash of its id; null: that is not known. */
  readonly session: string | null
  /** Milliseconds since 1970; then it may be forgotten. */
  readonly endsAt: number
  readonly version: number
}
