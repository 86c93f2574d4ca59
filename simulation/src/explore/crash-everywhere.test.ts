import { expect, test } from 'vitest'
import type { Plan, Step } from '../plan/plan.ts'
import { run } from '../run.ts'

/*
 * A node dies between any two steps of a request: before the store is asked, while it works, after it has committed and before
 * anybody was told. Every place is tried, one after the other, until the request lives through all of them.
 */

const second = 1_000
const begins = 103 * second

const parties: Pick<Plan, 'devices' | 'plains'> = {
  devices: [
    { name: 'laptop', user: 'maria', clientId: 'app', bound: true, tabs: 2, shared: true, locks: false },
    { name: 'phone', user: 'maria', clientId: 'strict', bound: true, tabs: 1, shared: true, locks: true },
  ],
  plains: [
    { name: 'mail program', user: 'maria', clientId: 'plain', patience: 5 * second, pauses: [second, 2 * second] },
    { name: 'calendar', user: 'tom', clientId: 'partner', patience: 5 * second, pauses: [second, 2 * second] },
  ],
}

function deedOf(when: number, deed: 'sign in' | 'sign out' | 'refresh', party: string): Step {
  return { when, do: deed, party, tab: 0 }
}

async function diesAt(place: number, deed: Step, within: number): Promise<boolean> {
  const names = ['laptop', 'phone', 'mail program', 'calendar']
  const steps: Step[] = [
    ...names.map((name, index) => deedOf((1 + index) * second, 'sign in', name)),
    { when: begins, do: 'crash in step', node: 0, step: place, for: within },
    deed,
    ...[115, 180, 250].flatMap(seconds => names.map(name => deedOf(seconds * second, 'refresh', name))),
  ]
  const plan: Plan = { seed: place, nodes: 1, apis: 0, ...parties, refreshKeyRotation: 0, steps, length: 300 * second }
  const { violations, world } = await run(plan)
  expect(violations.map(({ rule, text }) => `step ${place}: ${rule}: ${text}`)).toEqual([])
  return world.history.faults['node crash in the middle'] === 1
}

test.each<[string, Step, number?]>([
  ['a bound refresh', deedOf(begins, 'refresh', 'laptop')],
  ['an unbound refresh', deedOf(begins, 'refresh', 'mail program')],
  ['a login', deedOf(begins, 'sign in', 'phone')],
  ['a sign-out', deedOf(begins, 'sign out', 'laptop')],
  ['“log out everywhere”', { when: begins, do: 'log out everywhere', party: 'laptop' }],
  ['a change of the password', { when: begins, do: 'change password', party: 'laptop' }],
  ['a sign-in by code, with what people take to read pages', deedOf(begins, 'sign in', 'calendar'), 8 * second],
  ['a withdrawal of consent', { when: begins, do: 'take consent back', party: 'calendar' }],
  ['an end by the operator', { when: begins, do: 'end session', party: 'laptop' }],
])(
  '%s, with a crash at every await: nobody is logged out by it, nothing acknowledged is lost',
  {
    timeout: 60_000,
  },
  async (_name, deed, within = 4 * second) => {
    let deaths = 0
    while (await diesAt(deaths + 1, deed, within)) deaths++
    // At least: on the way to the first look, and before and after the commit.
    expect(deaths).toBeGreaterThanOrEqual(3)
  },
)
