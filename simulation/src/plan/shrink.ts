import type { Plan, Step } from './plan.ts'

/**
 * A smaller plan that still `fails`: steps are left out in halves, quarters, and so on one by one, then actors who do nothing
 * any more. Deterministic; `runsAtMost` bounds the work.
 */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>, runsAtMost = 400): Promise<Plan> {
  let smallest = plan
  let runs = 0
  const isSmaller = async (candidate: Plan): Promise<boolean> => {
    if (runs++ >= runsAtMost || !(await fails(candidate))) return false
    smallest = candidate
    return true
  }
  for (let size = Math.ceil(plan.steps.length / 2); size >= 1; size = size > 1 ? Math.ceil(size / 2) : 0) {
    let from = 0
    while (from < smallest.steps.length) {
      const steps: Step[] = smallest.steps.filter((_step, index) => index < from || index >= from + size)
      if (!(await isSmaller({ ...smallest, steps }))) from += size
    }
  }
  await isSmaller(withoutIdle(smallest))
  for (const nodes of [1, 2]) if (nodes < smallest.nodes) await isSmaller({ ...smallest, nodes })
  if (smallest.apis > 0) await isSmaller({ ...smallest, apis: 0 })
  return smallest
}

/** Without the devices and clients that no step speaks of. */
function withoutIdle(plan: Plan): Plan {
  const busy = new Set(plan.steps.flatMap(step => ('party' in step ? [step.party] : [])))
  return {
    ...plan,
    devices: plan.devices.filter(({ name }) => busy.has(name)),
    plains: plan.plains.filter(({ name }) => busy.has(name)),
  }
}
