/** What the peer is asked to be; given as JSON in its first argument. */
export interface PeerTask {
  readonly store: 'memory' | 'sqlite-full' | 'sqlite-normal'
  /** What every login made beforehand is left with. */
  readonly seed: 'refresh tokens' | 'codes'
  /** Families bound to a key each, proofs checked, replays remembered. */
  readonly dpop: boolean
  readonly logins: number
  readonly folder: string
}

/** What it prints when it is ready. */
export interface PeerReady {
  readonly url: string
  /** What was seeded: chains, or codes. */
  readonly seedFile: string
  readonly clientId: string
}

export const redirectUri = 'https://app.example/callback'
