/** A promise that was broken. */
export interface Violation {
  /** Which promise, in one line. */
  readonly rule: string
  /** True milliseconds since the run began. */
  readonly time: number
  /** What happened, with names. */
  readonly text: string
  /** The login that it concerns, if it is about one. */
  readonly familyId?: string | undefined
}
