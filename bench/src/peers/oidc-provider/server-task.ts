/** What the peer is asked to be; given as JSON in its first argument. */
export interface PeerTask {
  readonly store: 'memory' | 'sqlite-full' | 'sqlite-normal' | 'postgres-on' | 'postgres-off'
  readonly seed: Seed
  /** Proofs checked, replays remembered. */
  readonly dpop: boolean
  readonly logins: number
  /** Of each login, where codes are seeded; one if absent. */
  readonly codes?: number
  readonly folder: string
  /** For the stores of PostgreSQL, whose `synchronous_commit` is in their name. */
  readonly databaseUrl?: string
}

/**
 * What is made beforehand: of each login its refresh token (bound to a key each, if there is DPoP; bare: its text alone), a bare code, the cookie of a browser that is signed in, codes with PKCE, or an
 * access token.
 */
export type Seed =
  | 'refresh tokens'
  | 'bare refresh tokens'
  | 'bare codes'
  | 'cookies'
  | 'codes'
  | 'access tokens'
  | 'nothing'

/** What it prints when it is ready. */
export interface PeerReady {
  readonly issuer: string
  /** A JSON array: chains for refresh tokens, else texts. */
  readonly seedFile: string
}
