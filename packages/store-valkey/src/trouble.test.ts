import { type Counters, createMemoryCounters, type Limit } from '@countersign/store'
import { becomesSo } from '@countersign/store/given'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Lane, openLane } from './lane.ts'
import { createSharedCounters } from './shared-counters.ts'
import { type Trouble, troubleOf } from './testing/trouble.ts'
import { startValkey, type ValkeyServer } from './testing/valkey-server.ts'
import { createUseOnce } from './use-once.ts'

/** Each thing that can happen to a server happens twice while something is asked of it. */
const steps = 18
let server: ValkeyServer
let lanes: readonly [Lane, Lane]
let trouble: Trouble
let gone = 0

beforeAll(async () => {
  server = await startValkey()
  const onChange = (isThere: boolean): void => void (isThere || gone++)
  const open = (): Lane => openLane({ url: server.url, patienceMs: 50, restMs: 20, onChange })
  lanes = [open(), open()]
  trouble = troubleOf(server, lanes[0])
  await becomesSo(() => lanes.every(lane => lane.isThere()))
})
afterAll(async () => {
  const rounds = await trouble.end()
  expect(rounds).toBeGreaterThanOrEqual(4)
  expect(gone).toBeGreaterThanOrEqual(2 * rounds)
  await Promise.all(lanes.map(lane => lane.close()))
  await server.discard()
})

/** At every second step the next thing happens before, at the others after all has been sent. */
async function amidTrouble<T>(step: number, act: () => Promise<T>): Promise<T> {
  const before = step % 2 === 0 ? undefined : trouble.next()
  const answer = act()
  await (before ?? trouble.next())
  return answer
}

test('counts, whatever happens to the server: a node allows its limit and no more, with what others have counted no more either, and knows what it remembers', async () => {
  const six: Limit = { kind: 'logins', attempts: 6, windowSeconds: 3_600 }
  const [here, there] = lanes.map(lane => createSharedCounters(createMemoryCounters(Date.now), lane, 'a system')) as [
    Counters,
    Counters,
  ]
  for (let step = 0; step < steps; step++) {
    const key = `key ${step}`
    const allowedOf = async (node: Counters, times: number): Promise<number> => {
      const answers = await Promise.all(Array.from({ length: times }, () => node.take(six, key)))
      return answers.filter(({ allowed }) => allowed).length
    }
    expect(await amidTrouble(step, () => allowedOf(here, 6))).toBe(6)
    expect(await allowedOf(here, 6)).toBe(0)
    expect(await allowedOf(there, 10)).toBeLessThanOrEqual(6)
    await here.remember(key, 60)
    expect(await here.remembers(key)).toBe(true)
    await here.giveBack(six, key)
    await here.clear(six, key)
  }
})

test('what is used for the first time, whatever happens to the server: who alone uses it is let through, of two nodes one is', async () => {
  const [here, there] = lanes.map(lane => createUseOnce(lane, 'a system')) as [UseOnce, UseOnce]
  for (let step = 0; step < steps; step++) {
    const proofs = Array.from({ length: 10 }, (_, index) => `proof ${step} ${index}`)
    const used = await amidTrouble(step, () =>
      Promise.all(
        proofs.map(proof => Promise.all([here(`${proof} alone`, 60_000), here(proof, 60_000), there(proof, 60_000)])),
      ),
    )
    for (const [alone, ...both] of used) {
      expect(alone).toBe(true)
      expect(both).toContain(true)
    }
  }
})

type UseOnce = ReturnType<typeof createUseOnce>
