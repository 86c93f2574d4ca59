/** Answers questions of one kind together: what is asked while the database is busy with the last ones is one statement. */
export type Ask<Question, Answer> = (question: Question) => Promise<Answer>

interface Waiting<Question, Answer> {
  readonly question: Question
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * `run` answers many questions in their order. One that makes `run` throw what is no failure of the world is found by asking
 * each alone, so that it fails alone. `keyOf`: two questions of one key are never in the same batch.
 */
export function createBatches<Question, Answer>(options: {
  run: (questions: readonly Question[]) => Promise<readonly Answer[]>
  keyOf: (question: Question) => string
  /** Batches under way at once. */
  lanes: number
  questionsAtMost: number
  isOwnFault: (error: unknown) => boolean
  nextTurn: (action: () => void) => void
}): Ask<Question, Answer> {
  const { run, keyOf, lanes, questionsAtMost, isOwnFault } = options
  let queue: Waiting<Question, Answer>[] = []
  let running = 0
  let scheduled = false

  function schedule(): void {
    if (scheduled || queue.length === 0 || running >= lanes) return
    scheduled = true
    options.nextTurn(() => {
      scheduled = false
      while (running < lanes && queue.length > 0) void answer(takeBatch())
    })
  }

  /** The oldest, each key once; the others stay in their order. */
  function takeBatch(): Waiting<Question, Answer>[] {
    const keys = new Set<string>()
    const batch: Waiting<Question, Answer>[] = []
    queue = queue.filter(one => {
      const key = keyOf(one.question)
      if (batch.length >= questionsAtMost || keys.has(key)) return true
      keys.add(key)
      batch.push(one)
      return false
    })
    return batch
  }

  async function answer(batch: readonly Waiting<Question, Answer>[]): Promise<void> {
    running++
    try {
      await answerTogether(batch)
    } finally {
      running--
      schedule()
    }
  }

  async function answerTogether(batch: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const answers = await run(batch.map(({ question }) => question))
      batch.forEach((one, index) => void one.resolve(answers[index] as Answer))
    } catch (error) {
      if (batch.length > 1 && isOwnFault(error)) for (const one of batch) await answerTogether([one])
      else for (const one of batch) one.reject(error)
    }
  }

  return question =>
    new Promise((resolve, reject) => {
      queue.push({ question, resolve, reject })
      schedule()
    })
}
