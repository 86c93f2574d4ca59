import { describe, expect, test } from 'vitest'
import { tellStory } from './history/story.ts'
import { generatePlan } from './plan/generate.ts'
import { run } from './run.ts'
import { addTo, createTally } from './tally.ts'

describe('the protocol under faults', () => {
  const tally = createTally()

  // In four parts: on a busy machine a thousand take their time.
  test.each([1, 251, 501, 751])(
    'keeps its promises in a thousand seeds: 250 from %i',
    {
      timeout: 180_000,
    },
    async first => {
      const broken: string[] = []
      for (let seed = first; seed < first + 250; seed++) {
        const result = await run(generatePlan(seed))
        addTo(tally, result)
        for (const { rule, text } of result.violations) broken.push(`seed ${seed}: ${rule}: ${text}`)
      }
      expect(broken).toEqual([])
    },
  )

  test('and every row of the refresh table was hit', () => {
    expect(tally.seeds).toBe(1_000)
    expect(Object.entries(tally.rows).filter(([, hits]) => hits === 0)).toEqual([])
  })

  test('one seed is one exact run', async () => {
    const stories: string[][] = []
    for (let time = 0; time < 2; time++) {
      const { world } = await run(generatePlan(100))
      stories.push([...tellStory(world.history.events), `${world.time.fired()} events`])
    }
    expect(stories[1]).toEqual(stories[0])
  })
})
