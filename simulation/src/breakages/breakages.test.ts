import { describe, expect, test } from 'vitest'
import { generatePlan } from '../plan/generate.ts'
import type { Plan, Step } from '../plan/plan.ts'
import { run } from '../run.ts'
import { allBreakages } from './all-breakages.ts'
import type { Breakage } from './breakage.ts'

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
        const { foundBy, needs } = breakage
        if (foundBy) expect(foundBy).toEqual(expect.arrayContaining(violations.map(({ rule }) => rule)))
        if (needs) expect(await violationsWithout(needs, generatePlan(seed, breakage.focus), breakage)).toEqual([])
        found.push(`seed ${seed}: ${violations[0].rule}: ${violations[0].text}`)
      }
      expect(found).not.toEqual([])
    },
  )
})

/** What is found in the same plan, all but one kind of fault. */
async function violationsWithout(isLeftOut: (step: Step) => boolean, plan: Plan, breakage: Breakage) {
  const steps = plan.steps.filter(step => !isLeftOut(step))
  const { violations } = await run({ ...plan, steps }, breakage)
  return violations
}
