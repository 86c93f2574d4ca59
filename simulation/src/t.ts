import { clockOf, tellStory } from './history/story.ts'
import { type Focus, generatePlan } from './plan/generate.ts'
import { run } from './run.ts'

const focus = JSON.parse(process.argv[4] ?? '{}') as Focus
const from = Number(process.argv[2]),
  n = Number(process.argv[3])
let bad = 0
for (let seed = from; seed < from + n; seed++) {
  const { world, violations } = await run(generatePlan(seed, focus))
  if (violations.length) {
    bad++
    console.log(seed, clockOf(violations[0]!.time), violations[0]!.rule, violations[0]!.text)
  }
  if (n === 1)
    console.log(
      JSON.stringify({ ...world.plan, steps: undefined }),
      '\n',
      tellStory(world.history.events, violations[0]?.familyId).join('\n'),
    )
}
console.log(bad, 'of', n)
