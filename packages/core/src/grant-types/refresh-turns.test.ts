import { describe, expect, test } from 'vitest'
import { answered, sampleLogin } from '../sample-login.ts'

const hour = 3_600

describe('row 7: two hands with one key that take turns', () => {
  test('within the grace nothing is written', () => {
    const login = sampleLogin({ bound: true })
    for (let n = 0; n < 5; n++) {
      login.present(n)
      login.later(19.999)
      expect(login.present(n).change).toBeUndefined()
    }
  })

  test('the predecessor, late in two generations in a row, is flagged and answered: so two hands look that take turns', () => {
    for (const flaggedReplayEndsFamily of [false, true]) {
      const login = sampleLogin({ bound: true, refresh: { flaggedReplayEndsFamily } })
      for (let n = 0; n < 4; n++) {
        login.present(n)
        login.later(20)
        const decision = login.present(n)
        expect([decision.row, answered(decision)]).toEqual([7, n + 1])
        expect(decision.change).toMatchObject({ durable: false, writes: [{ row: { creditSpentAt: n + 1 } }] })
        // Once in each generation is enough.
        expect(login.present(n).change).toBeUndefined()
      }
      // The first time it is written down, the second time flagged, and then not again within the hour.
      expect(login.audit).toMatchObject([{ event: 'refresh.replay_flagged', facts: { behind: 1 } }])
      expect(login.rows.family.endedAt).toBeNull()
    }
  })

  test('one late repeat now and then is no flag: answers get lost', () => {
    const login = sampleLogin({ bound: true })
    for (let n = 0; n < 20; n++) {
      login.present(n)
      login.later(hour)
      if (n % 2 === 0) login.present(n)
    }
    expect(login.audit).toEqual([])
  })
})

test('a leak and a flagged replay are each audited once an hour, whatever the other did', () => {
  const login = sampleLogin({ bound: true })
  for (let n = 0; n < 6; n++) login.present(n)
  const leaks = () => login.present(0, { jkt: null })
  const replays = () => login.present(0)
  const audited = (...acts: readonly (() => unknown)[]) => {
    const before = login.audit.length
    for (const act of acts) act()
    return login.audit.slice(before).map(({ event }) => event)
  }
  expect(audited(leaks, replays, leaks, replays)).toEqual(['refresh.leaked', 'refresh.replay_flagged'])
  for (let hours = 0; hours < 3; hours++) {
    login.later(hour)
    expect(audited(replays, leaks, replays, leaks)).toEqual(['refresh.replay_flagged', 'refresh.leaked'])
  }
  // The hour of each is its own.
  login.later(hour)
  expect(audited(replays)).toEqual(['refresh.replay_flagged'])
  login.later(hour / 2)
  expect(audited(leaks, replays)).toEqual(['refresh.leaked'])
  login.later(hour / 2)
  expect(audited(leaks, replays)).toEqual(['refresh.replay_flagged'])
  login.later(hour / 2)
  expect(audited(leaks, replays)).toEqual(['refresh.leaked'])
})
