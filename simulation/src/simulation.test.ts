import { describe, expect, test } from 'vitest'
import { tellStory } from './history/story.ts'
import { generatePlan } from './plan/generate.ts'
import { run } from './run.ts'
import { addTo, createTally } from './tally.ts'

describe('the protocol under faults', () => {
  test('keeps its promises in a thousand seeds, and every row of the refresh table is hit', {
    timeout: 180_000,
  }, async () => {
    const tally = createTally()
    const broken: string[] = []
    for (let seed = 1; seed <= 1_000; seed++) {
      const result = await run(generatePlan(seed))
      addTo(tally, result)
      for (const { rule, text } of result.violations) broken.push(`seed ${seed}: ${rule}: ${text}`)
    }
    expect(broken).toEqual([])
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
