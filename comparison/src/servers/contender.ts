import type { ProofKey } from '../workload/proof-key.ts'

/** What an app holds of one login, and a thief may copy. */
export interface Login {
  /** The server's own name for it, if it tells one. */
  readonly id: string
  /** The address that its requests come from: limits by address are no part of this comparison. */
  readonly ip: string
  readonly clientId: string
  readonly key: ProofKey | undefined
  readonly refreshToken: string
}

/** A server as it runs. */
export interface RunningServer {
  readonly tokenEndpoint: string
  logIn(count: number): Promise<Login[]>
  advance(milliseconds: number): Promise<void>
  /** Stops it. Tells which logins it has written down as suspicious, in a log that is meant for its operator. */
  stop(): Promise<ReadonlySet<string>>
}

/** One product in one configuration. */
export interface Contender {
  readonly name: string
  readonly bound: boolean
  /** Starts it anew, with nobody signed in. */
  start(folder: string): Promise<RunningServer>
}
