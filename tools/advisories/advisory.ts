/** A published flaw of somebody else, judged for us. */
export interface Advisory {
  /** Its identifiers, as published; of several flaws of one kind, all. */
  readonly ids: readonly string[]
  /** Further names of the same flaws, which no test needs to bear. */
  readonly also?: readonly string[]
  readonly whose: string
  /** What went wrong there, in one line. */
  readonly flaw: string
  /** Why no test here bears the identifier; absent where one does. `Later: …` where what it concerns is not built yet. */
  readonly without?: string
}

export interface Chapter {
  readonly title: string
  readonly advisories: readonly Advisory[]
}
