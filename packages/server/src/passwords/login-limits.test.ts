import { emailKey } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import { type Counters, createMemoryCounters } from '@countersign/store'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLoginLimits, type LoginAttempt, type LoginLimits } from './login-limits.ts'

const home = '192.0.2.1'
const elsewhere = '198.51.100.9'
const victim = 'victim@example.com'

let now: number
let limits: LoginLimits
beforeEach(() => {
  now = 1_800_000_000_000
  limits = createLoginLimits(createMemoryCounters(() => now))
})

async function allowed(account: string | null, ip: string): Promise<LoginAttempt> {
  const attempt = await limits.begin(account, ip)
  if (isRefusal(attempt)) throw new Error('refused')
  return attempt
}

/** Tries until refused. How many attempts were let through? */
async function guess(account: (n: number) => string | null, ip: (n: number) => string, tries: number): Promise<number> {
  let through = 0
  for (let n = 0; n < tries; n++) if (!isRefusal(await limits.begin(account(n), ip(n)))) through++
  return through
}

const manyAddresses = (n: number): string => `203.0.${n >> 8}.${n & 255}`

describe('failed passwords', () => {
  test('are let through 10 times a minute for one account from one address', async () => {
    expect(
      await guess(
        () => victim,
        () => elsewhere,
        30,
      ),
    ).toBe(10)
    const refusal = await limits.begin(victim, elsewhere)
    expect(refusal).toMatchObject({ reason: 'too_many_attempts', retryAfterSeconds: 6 })
    now += 6_000
    expect(
      await guess(
        () => victim,
        () => elsewhere,
        5,
      ),
    ).toBe(1)
    now += 60_000
    expect(
      await guess(
        () => victim,
        () => elsewhere,
        30,
      ),
    ).toBe(10)
  })

  test('are let through 100 times a minute from one address, whatever the accounts', async () => {
    expect(
      await guess(
        n => `user${n}@example.com`,
        () => elsewhere,
        300,
      ),
    ).toBe(100)
    expect(await limits.begin('one-more@example.com', elsewhere)).toMatchObject({ reason: 'too_many_attempts' })
    expect(isRefusal(await limits.begin('one-more@example.com', home))).toBe(false)
  })

  test('count by address alone when what was typed is no e-mail address', async () => {
    expect(
      await guess(
        () => null,
        () => elsewhere,
        300,
      ),
    ).toBe(100)
  })

  test('CVE-2026-134314: fifty at once pass no more than one after another', async () => {
    const attempts = await Promise.all(Array.from({ length: 50 }, () => limits.begin(victim, elsewhere)))
    expect(attempts.filter(attempt => !isRefusal(attempt))).toHaveLength(10)
  })

  test('that are refused for one account do not use up the address', async () => {
    await guess(
      () => victim,
      () => elsewhere,
      500,
    )
    expect(isRefusal(await limits.begin('colleague@example.com', elsewhere))).toBe(false)
  })

  test('GHSA-p6v2-xcpg-h6xw: from all addresses of an IPv6 customer are one count', async () => {
    expect(
      await guess(
        () => victim,
        n => `2001:db8:1:2::${n.toString(16)}`,
        60,
      ),
    ).toBe(10)
  })

  test('CVE-2026-47203, CVE-2025-24806: other spellings of the address do not split the count', async () => {
    const spellings = ['victim@example.com', 'VICTIM@example.com', ' Victim@EXAMPLE.com ', 'vIcTiM@example.COM']
    expect(
      await guess(
        n => emailKey(spellings[n % spellings.length] ?? ''),
        () => elsewhere,
        40,
      ),
    ).toBe(10)
  })
})

describe('a right password', () => {
  test('counts as no failure', async () => {
    for (let n = 0; n < 300; n++) {
      await (await allowed(victim, home)).succeeded()
      now += 2_000
    }
  })

  test('is let through 30 times a minute for one account from one address, and elsewhere all the same', async () => {
    for (let n = 0; n < 30; n++) await (await allowed(victim, elsewhere)).succeeded()
    expect(await limits.begin(victim, elsewhere)).toMatchObject({ reason: 'too_many_attempts', retryAfterSeconds: 2 })
    await (await allowed(victim, home)).succeeded()
    now += 2_000
    await (await allowed(victim, elsewhere)).succeeded()
  })

  test('is let through 300 times a minute from one address, whatever the accounts', async () => {
    let through = 0
    for (let n = 0; n < 1_000; n++) {
      const attempt = await limits.begin(`own${n % 50}@example.com`, elsewhere)
      if (isRefusal(attempt)) continue
      await attempt.succeeded()
      through++
    }
    expect(through).toBe(300)
    expect(isRefusal(await limits.begin(victim, elsewhere))).toBe(true)
    await (await allowed(victim, home)).succeeded()
  })

  test('forgets the typing errors before it', async () => {
    for (let n = 0; n < 9; n++) await limits.begin(victim, home)
    await (await allowed(victim, home)).succeeded()
    expect(
      await guess(
        () => victim,
        () => home,
        30,
      ),
    ).toBe(10)
  })

  test("for the attacker's own account buys him no guesses at others", async () => {
    let guesses = 0
    for (let n = 0; n < 400; n++) {
      if (!isRefusal(await limits.begin(`user${n}@example.com`, elsewhere))) guesses++
      const own = await limits.begin(`attacker${n % 10}@example.com`, elsewhere)
      if (!isRefusal(own)) await own.succeeded()
    }
    expect(guesses).toBe(100)
  })
})

test('an attempt that was never judged does not count', async () => {
  for (let n = 0; n < 300; n++) await (await allowed(victim, home)).withdrawn()
  for (let n = 0; n < 300; n++) await (await allowed(null, home)).withdrawn()
  expect(
    await guess(
      () => victim,
      () => home,
      30,
    ),
  ).toBe(10)
})

test('whoever keeps the counts is asked once for an attempt, and once for what became of it, all of it at the same time', async () => {
  const counters = createMemoryCounters(() => now)
  let [running, rounds] = [0, 0]
  const asking = Object.entries(counters).map(([name, ask]: [string, (...values: unknown[]) => Promise<unknown>]) => [
    name,
    async (...values: unknown[]) => {
      if (running++ === 0) rounds++
      const answer = await ask(...values)
      await new Promise(setImmediate)
      running--
      return answer
    },
  ])
  limits = createLoginLimits(Object.fromEntries(asking) as Counters)
  const roundsOf = async (act: () => Promise<unknown>): Promise<number> => {
    rounds = 0
    await act()
    return rounds
  }
  const attempt = await allowed(victim, home)
  expect(rounds).toBe(1)
  expect(await roundsOf(attempt.succeeded)).toBe(1)
  // Now the address is known.
  expect(await roundsOf(() => limits.begin(victim, home))).toBe(1)
  const other = await allowed(victim, elsewhere)
  expect(await roundsOf(other.withdrawn)).toBe(1)
})

test('an attempt is taken back once, whatever is called afterwards', async () => {
  for (let n = 0; n < 99; n++) await limits.begin(`user${n}@example.com`, elsewhere)
  const attempt = await allowed(victim, elsewhere)
  await attempt.succeeded()
  await attempt.withdrawn()
  await attempt.succeeded()
  expect(
    await guess(
      n => `other${n}@example.com`,
      () => elsewhere,
      30,
    ),
  ).toBe(1)
})

describe('attempts that are refused', () => {
  test('take no memory: an address that has used up its own limits empties nobody else’s', async () => {
    limits = createLoginLimits(createMemoryCounters(() => now, 1_000))
    await guess(
      () => victim,
      n => manyAddresses(n % 40),
      200,
    )
    await guess(
      n => `someone${n}@example.com`,
      () => elsewhere,
      5_000,
    )
    // Not one more from those that have had their three, and none from the one that has sprayed.
    expect(
      await guess(
        () => victim,
        n => manyAddresses(n % 40),
        200,
      ),
    ).toBe(0)
    expect(await limits.begin(null, elsewhere)).toMatchObject({ reason: 'too_many_attempts' })
  })

  test('ask for the address before any account, so that none is named once it is refused', async () => {
    const counters = createMemoryCounters(() => now)
    let kinds: string[] = []
    limits = createLoginLimits({
      ...counters,
      takeTogether(wanted) {
        kinds = wanted.all.map(({ limit }) => limit.kind)
        return counters.takeTogether(wanted)
      },
    })
    await allowed(victim, elsewhere)
    expect(kinds.slice(0, 2)).toEqual(['logins from an address', 'failed logins from an address'])
  })
})

describe('guessing at one account from very many addresses', () => {
  const rounds = (addresses: number) => (n: number) => manyAddresses(n % addresses)

  test('is let through 100 times an hour, or three times from each address if that is more', async () => {
    expect(await guess(() => victim, rounds(20), 3000)).toBe(100)
    now += 3_600_000
    expect(await guess(() => victim, rounds(20), 3000)).toBe(100)
    now += 3_600_000
    expect(await guess(() => victim, rounds(500), 5000)).toBe(1500)
  })

  test('from the many networks within one IPv6 customer is three times', async () => {
    await guess(() => victim, rounds(20), 3000)
    expect(
      await guess(
        () => victim,
        n => `2001:db8:1:${n.toString(16)}::1`,
        1000,
      ),
    ).toBe(3)
  })

  test('does not shut its user out of a new device: 110 guesses from 11 addresses, then three a second', async () => {
    const eleven = rounds(11)
    expect(await guess(() => victim, eleven, 110)).toBeGreaterThanOrEqual(100)
    for (let second = 0; second < 600; second++) {
      now += 1_000
      await guess(
        () => victim,
        n => eleven(second * 3 + n),
        3,
      )
      if (second % 200 !== 199) continue
      // Two typing errors, then the right one; each time at a place that is new.
      const place = `198.51.100.${second % 251}`
      await allowed(victim, place)
      await allowed(victim, place)
      await (await allowed(victim, place)).succeeded()
    }
  })

  test('never shuts its user out where they have signed in before, however long it goes on', async () => {
    await (await allowed(victim, home)).succeeded()
    for (let hour = 0; hour < 24; hour++) {
      await guess(
        () => victim,
        n => manyAddresses(hour * 500 + n),
        500,
      )
      await (await allowed(victim, home)).succeeded()
      now += 3_600_000
    }
  })

  test('after a restart neither, since the sessions say where their user has signed in', async () => {
    await guess(() => victim, rounds(50), 500)
    const asked = { signedInFrom: async () => true }
    for (let n = 0; n < 3; n++) await limits.begin(victim, home)
    expect(isRefusal(await limits.begin(victim, home))).toBe(true)
    const attempt = await limits.begin(victim, home, asked)
    if (isRefusal(attempt)) throw new Error('refused')
    await attempt.succeeded()
    expect(isRefusal(await limits.begin(victim, home))).toBe(false)
  })

  test('does not make the known address a way around the other limits', async () => {
    await (await allowed(victim, home)).succeeded()
    expect(
      await guess(
        () => victim,
        () => home,
        50,
      ),
    ).toBe(10)
  })

  test('concerns that account alone', async () => {
    await guess(() => victim, manyAddresses, 500)
    expect(isRefusal(await limits.begin('colleague@example.com', elsewhere))).toBe(false)
  })
})
