import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRecentMap } from './recent-map.ts'

test('whatever is set and deleted: the half that was set last is there, with its last value, and never more than there is room for', () => {
  const step = fc.record({ key: fc.integer({ min: 0, max: 30 }).map(String), isSet: fc.boolean() })
  void fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const map = createRecentMap<number>(10)
      /** By the time that they were set last; `undefined` for what was deleted since. */
      const latest = new Map<string, number | undefined>()
      for (const [index, { key, isSet }] of steps.entries()) {
        if (isSet) {
          latest.delete(key)
          latest.set(key, index)
          map.set(key, index)
        } else {
          if (latest.has(key)) latest.set(key, undefined)
          map.delete(key)
        }
        const all = [...latest]
        for (const [one, value] of all.slice(-5)) expect(map.get(one)).toBe(value)
        for (const [one, value] of all) expect([undefined, value]).toContain(map.get(one))
        expect(all.filter(([one]) => map.get(one) !== undefined).length).toBeLessThanOrEqual(10)
      }
    }),
  )
})
