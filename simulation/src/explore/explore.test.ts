import { redeemRefreshToken } from '@countersign/core'
import { describe, expect, test } from 'vitest'
import { type Bounds, explore } from './explore.ts'

const small: Omit<Bounds, 'bound' | 'thief'> = { sends: 1, losses: 1, crashes: 1, waits: 3, waitSeconds: [10, 61] }
const busy: Omit<Bounds, 'bound' | 'thief'> = { sends: 2, losses: 1, crashes: 0, waits: 2, waitSeconds: [10, 61] }

describe('two tabs, a thief, two nodes: every order of events within small bounds', () => {
  test.each([
    ['a bound login', { ...small, bound: true, thief: true }],
    ['an unbound login', { ...small, bound: false, thief: true }],
    ['an unbound login without a thief', { ...small, bound: false, thief: false, sends: 2 }],
    ['an unbound login, busy', { ...busy, bound: false, thief: true }],
  ])('%s', { timeout: 60_000 }, (_name, bounds) => {
    const { states, broken } = explore(bounds)
    expect(broken).toBeUndefined()
    expect(states).toBeGreaterThan(10_000)
  })

  test('finds a rule that is broken, and says the way there', () => {
    const { broken } = explore({ ...small, bound: false, thief: true }, request => {
      const { client } = request.snapshot
      const refresh = { ...client.refresh, graceSeconds: 1e9 }
      return redeemRefreshToken({ ...request, snapshot: { ...request.snapshot, client: { ...client, refresh } } })
    })
    expect(broken?.promise).toBe('after the grace the predecessor is noticed')
    expect(broken?.way.join(', ')).toMatch(/loads and finds row 8/)
  })
})
