/** Something outside that keeps a verifier from doing all of its work, for whoever runs the API. */
export interface Problem {
  readonly about: 'keys' | 'revocations'
  /** True: what was told before has ended. */
  readonly over: boolean
  /** What is wrong, and what it means meanwhile. Holds no token and no secret. */
  readonly message: string
}

export type OnProblem = (problem: Problem) => void

/** One line on the console for each change. */
export const warnOfProblem: OnProblem = ({ message }) => console.warn(`countersign: ${message}`)

/** Tells of one matter only what is news. */
export interface ProblemTeller {
  tell(message: string): void
  end(message: string): void
}

export function problemTeller(about: Problem['about'], onProblem: OnProblem): ProblemTeller {
  let told: string | undefined

  function say(message: string, over: boolean): void {
    try {
      onProblem({ about, over, message })
    } catch {
      // A log that fails must not end what it tells of.
    }
  }

  return {
    tell(message) {
      if (message === told) return
      told = message
      say(message, false)
    },
    end(message) {
      if (told === undefined) return
      told = undefined
      say(message, true)
    },
  }
}
