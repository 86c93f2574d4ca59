import { expect, test } from 'vitest'
import { createBatches, FaultOfOne } from './batches.ts'

type Kind = 'good' | 'conflict' | 'poison' | 'named poison'
interface Question {
  readonly number: number
  readonly kind: Kind
  readonly key: string
}
class WorldFailed extends Error {}

/** A number from 0 up to `below`, the same for each seed. */
function dice(seed: number): (below: number) => number {
  let state = seed + 1
  return below => {
    state = (state * 48_271) % 0x7fff_ffff
    return state % below
  }
}

/** A database that does all that it is sent together, or nothing, and fails now and then. */
async function askMany(seed: number, failsOneIn: number) {
  const roll = dice(seed)
  const applied: number[] = []
  const sizes: number[] = []
  const kinds: readonly Kind[] = ['good', 'good', 'good', 'good', 'conflict', 'poison', 'named poison']
  const run = async (questions: readonly Question[]): Promise<readonly string[] | undefined> => {
    await Promise.resolve()
    sizes.push(questions.length)
    expect(new Set(questions.map(({ key }) => key)).size).toBe(questions.length)
    const place = questions.findIndex(({ kind }) => kind === 'named poison')
    if (place >= 0) throw new FaultOfOne(place, new TypeError('named'))
    if (questions.some(({ kind }) => kind === 'poison')) throw new TypeError('poison')
    if (roll(failsOneIn) === 0) throw new WorldFailed()
    if (questions.some(({ kind }) => kind === 'conflict')) return questions.length > 1 ? undefined : ['conflict']
    applied.push(...questions.map(({ number }) => number))
    return questions.map(() => 'committed')
  }
  const ask = createBatches<Question, string>({
    run,
    keysOf: ({ key }) => [key],
    lanes: 2,
    questionsAtMost: 16,
    isOwnFault: error => !(error instanceof WorldFailed),
    nextTurn: queueMicrotask,
  })
  const questions = Array.from({ length: 60 }, (_, number): Question => {
    return { number, kind: kinds[roll(kinds.length)] ?? 'good', key: `k${roll(40)}` }
  })
  const outcomes = await Promise.allSettled(questions.map(ask))
  return { applied, sizes, asked: questions.map((question, index) => ({ ...question, outcome: outcomes[index] })) }
}

const answerOf = (outcome: PromiseSettledResult<string> | undefined): unknown =>
  outcome?.status === 'fulfilled' ? outcome.value : outcome?.reason.constructor.name

test('whoever is told that a change is committed has it applied, once, and nobody else; one to blame fails alone (seeds 0 to 49)', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const { applied, sizes, asked } = await askMany(seed, Number.MAX_SAFE_INTEGER)
    const told = { good: 'committed', conflict: 'conflict', poison: 'TypeError', 'named poison': 'TypeError' }
    expect(asked.map(({ outcome }) => answerOf(outcome))).toEqual(asked.map(({ kind }) => told[kind]))
    const good = asked.filter(({ kind }) => kind === 'good').map(({ number }) => number)
    expect(applied.toSorted((a, b) => a - b)).toEqual(good)
    expect(Math.max(...sizes)).toBeGreaterThan(1)
  }
})

test('where the world fails in the middle, what was applied is acknowledged and nothing else is (seeds 0 to 49)', async () => {
  let failed = 0
  for (let seed = 0; seed < 50; seed++) {
    const { applied, asked } = await askMany(seed, 6)
    const acknowledged = asked.filter(({ outcome }) => answerOf(outcome) === 'committed').map(({ number }) => number)
    expect(applied.toSorted((a, b) => a - b)).toEqual(acknowledged)
    failed += asked.filter(({ outcome }) => answerOf(outcome) === 'WorldFailed').length
  }
  expect(failed).toBeGreaterThan(25)
})
