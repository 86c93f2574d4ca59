/** Answers questions of one kind together: what is asked while the database is busy with the last ones is one statement. */
export type Ask<Question, Answer> = (question: Question) => Promise<Answer>

interface Waiting<Question, Answer> {
  readonly question: Question
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** Thrown by `run`: one question is to blame, and nothing was done. The others are asked again without it. */
export class FaultOfOne extends Error {
  override readonly name = 'FaultOfOne'
  readonly place: number
  constructor(place: number, cause: unknown) {
    super('one of several questions failed', { cause })
    this.place = place
  }
}

/**
 * `run` answers many questions in their order. `undefined`: it cannot answer them together, and has done nothing. One that is to blame
 * for that, or makes `run` throw what is no failure of the world, is found by halves, so that it fails alone.
 * `keysOf`: two questions that share a key are never in the same batch.
 */
export function createBatches<Question, Answer>(options: {
  run: (questions: readonly Question[]) => Promise<readonly Answer[] | undefined>
  keysOf: (question: Question) => readonly string[]
  /** Batches under way at once. */
  lanes: number
  questionsAtMost: number
  isOwnFault: (error: unknown) => boolean
  nextTurn: (action: () => void) => void
}): Ask<Question, Answer> {
  const { run, keysOf, lanes, questionsAtMost, isOwnFault } = options
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
      if (batch.length >= questionsAtMost) return true
      const own = keysOf(one.question)
      if (own.some(key => keys.has(key))) return true
      for (const key of own) keys.add(key)
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
      if (answers === undefined) await answerInHalves(batch)
      else batch.forEach((one, index) => void one.resolve(answers[index] as Answer))
    } catch (error) {
      if (error instanceof FaultOfOne) await answerWithout(batch, error)
      else if (batch.length > 1 && isOwnFault(error)) await answerInHalves(batch)
      else for (const one of batch) one.reject(error)
    }
  }

  async function answerWithout(
    batch: readonly Waiting<Question, Answer>[],
    { place, cause }: FaultOfOne,
  ): Promise<void> {
    batch[place]?.reject(cause)
    const others = batch.toSpliced(place, 1)
    if (others.length > 0) await answerTogether(others)
  }

  async function answerInHalves(batch: readonly Waiting<Question, Answer>[]): Promise<void> {
    const middle = Math.ceil(batch.length / 2)
    await answerTogether(batch.slice(0, middle))
    await answerTogether(batch.slice(middle))
  }

  return question =>
    new Promise((resolve, reject) => {
      queue.push({ question, resolve, reject })
      schedule()
    })
}
