import { expect, test } from 'vitest'
import { brokenRules } from '../breakages/broken-rules.ts'
import { run } from '../run.ts'
import { generatePlan } from './generate.ts'
import { shrink } from './shrink.ts'

test('a failing plan shrinks to the few steps that it takes, and still fails in the same way', async () => {
  const breakage = brokenRules.find(({ name }) => name === 'reuse is judged before the proof')
  if (breakage === undefined) throw new Error('no such breakage')
  const rulesOf = async (plan: Parameters<typeof run>[0]): Promise<string[]> =>
    (await run(plan, breakage)).violations.map(({ rule }) => rule)
  let [seed, plan, rule] = [1, generatePlan(1, breakage.focus), undefined as string | undefined]
  while (rule === undefined) {
    plan = generatePlan(seed++, breakage.focus)
    rule = (await rulesOf(plan))[0]
  }
  const smallest = await shrink(plan, async candidate => (await rulesOf(candidate)).includes(rule))
  expect(smallest.steps.map(step => step.do)).toEqual(['sign in', 'steal', 'thief acts'])
  expect(await rulesOf(smallest)).toContain(rule)
})
