import { expect, test } from 'vitest'
import type { Plan, Step } from './plan/plan.ts'
import { run } from './run.ts'

/*
 * What the simulation has found, each as the shortest plan that shows it.
 */

const second = 1_000

function plan(steps: Step[], more: Partial<Plan> = {}): Plan {
  return {
    seed: 1,
    nodes: 1,
    apis: 0,
    devices: [],
    plains: [],
    refreshKeyRotation: 0,
    steps,
    length: 400 * second,
    ...more,
  }
}

const mailProgram: Plan['plains'][number] = {
  name: 'mail program',
  user: 'maria',
  clientId: 'plain',
  patience: 5 * second,
  pauses: [second],
}

const laptop: Plan['devices'][number] = {
  name: 'laptop',
  user: 'maria',
  clientId: 'app',
  bound: true,
  tabs: 1,
  shared: true,
  locks: true,
}

function uses(party: string, ...moments: number[]): Step[] {
  return moments.map(seconds => ({ when: seconds * second, do: 'refresh', party, tab: 0 }))
}

test('a backup from before the refresh key was turned logs nobody out', async () => {
  const steps: Step[] = [
    { when: 1 * second, do: 'sign in', party: 'mail program', tab: 0 },
    ...uses('mail program', 70, 150, 220),
    { when: 250 * second, do: 'restore', age: 180 * second, journal: false },
    ...uses('mail program', 260, 330),
  ]
  const { violations, world } = await run(plan(steps, { plains: [mailProgram], refreshKeyRotation: 120 }))
  expect(violations).toEqual([])
  expect(world.plains.get('mail program')?.ended).toBeUndefined()
  expect(world.history.rows['4']).toBeGreaterThan(0)
})

test('a node whose clock is set back behind its start goes on believing proofs', async () => {
  const steps: Step[] = [
    { when: 1 * second, do: 'sign in', party: 'laptop', tab: 0 },
    { when: 20 * second, do: 'node clock', node: 0, by: 600 * second },
    { when: 30 * second, do: 'crash node', node: 0, for: second },
    ...uses('laptop', 60),
    { when: 70 * second, do: 'node clock', node: 0, by: -600 * second },
    ...uses('laptop', 90),
  ]
  const { violations, world } = await run(plan(steps, { devices: [laptop], length: 100 * second }))
  expect(violations).toEqual([])
  expect(world.history.rows['5']).toBeGreaterThanOrEqual(2)
})

test('a crash that forgets a rotation after a restore logs no unbound client out (decision 4)', async () => {
  const steps: Step[] = [
    { when: 1 * second, do: 'sign in', party: 'mail program', tab: 0 },
    ...uses('mail program', 70),
    { when: 80 * second, do: 'restore', age: 5 * second, journal: true },
    ...uses('mail program', 140, 210),
    { when: 212 * second, do: 'crash store', forgets: 10 * second, keeps: 0, for: second },
    ...uses('mail program', 280),
  ]
  const { violations, world } = await run(plan(steps, { plains: [mailProgram] }))
  expect(violations).toEqual([])
  expect(world.history.faults['unsynced commits forgotten']).toBe(1)
  expect(world.history.rows).toMatchObject({ '4': 1, '10': 0 })
})

test('a login that is begun after a restore, in a browser session from before it, is not logged out', async () => {
  const steps: Step[] = [
    { when: 1 * second, do: 'sign in', party: 'calendar', tab: 0 },
    { when: 60 * second, do: 'restore', age: 30 * second, journal: true },
    { when: 90 * second, do: 'sign in', party: 'calendar', tab: 0 },
    ...uses('calendar', 200),
  ]
  const calendar: Plan['plains'][number] = { ...mailProgram, name: 'calendar', clientId: 'partner' }
  const { violations, world } = await run(plan(steps, { seed: 2, plains: [calendar] }))
  expect(violations).toEqual([])
  expect(world.plains.get('calendar')?.ended).toBeUndefined()
  expect(world.history.rows['5']).toBeGreaterThan(0)
})

test('a change of the password whose answer is lost, beside a refresh whose answer is lost, logs nobody out', async () => {
  const steps: Step[] = [
    { when: 1 * second, do: 'sign in', party: 'mail program', tab: 0 },
    { when: 69 * second, do: 'weather', party: 'mail program', weather: { loseAnswer: 1 }, for: 2 * second },
    ...uses('mail program', 70),
    { when: 70.5 * second, do: 'change password', party: 'mail program' },
    ...uses('mail program', 80),
  ]
  const { violations, world } = await run(plan(steps, { plains: [{ ...mailProgram, pauses: [] }] }))
  expect(violations).toEqual([])
  expect(world.plains.get('mail program')?.ended).toBeUndefined()
  expect(world.history.rows['8']).toBe(1)
})
