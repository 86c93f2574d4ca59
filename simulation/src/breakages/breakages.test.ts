import { describe, expect, test } from 'vitest'
import { generatePlan } from '../plan/generate.ts'
import { run } from '../run.ts'
import { allBreakages } from './all-breakages.ts'

const seedsAtMost = 400

describe('the checker is checked: what is broken on purpose is found', () => {
  test.each(allBreakages.map(breakage => [breakage.name, breakage] as const))(
    '%s',
    { timeout: 120_000 },
    async (_name, breakage) => {
      const found: string[] = []
      for (let seed = 1; seed <= seedsAtMost && found.length === 0; seed++) {
        const { violations } = await run(generatePlan(seed, breakage.focus), breakage)
        if (violations[0] === undefined) continue
        const { violations: unbroken } = await run(generatePlan(seed, breakage.focus))
        expect(unbroken).toEqual([])
        found.push(`seed ${seed}: ${violations[0].rule}: ${violations[0].text}`)
      }
      expect(found).not.toEqual([])
    },
  )
})
