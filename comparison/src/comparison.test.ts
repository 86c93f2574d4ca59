import { describe, expect, test } from 'vitest'
import { compareHonest, compareThefts } from './compare-servers.ts'
import { compareSdk, withBrowser } from './sdks/compare-sdks.ts'
import { betterAuth } from './servers/better-auth/contender.ts'
import { countersign } from './servers/countersign/contender.ts'
import { oidcProvider } from './servers/oidc-provider/contender.ts'
import { honestScenarios, theftScenarios } from './workload/scenarios.ts'

/*
 * The comparison still runs, and what it says is so where it cannot be otherwise. The figures are in docs/comparison.md.
 */

const logins = 4

function honest(name: string): (typeof honestScenarios)[number] {
  const found = honestScenarios.find(scenario => scenario.name === name)
  if (found === undefined) throw new Error(`no scenario is called "${name}"`)
  return found
}

function theft(bound: boolean, name: string): ReturnType<typeof theftScenarios>[number] {
  const found = theftScenarios(bound).find(scenario => scenario.name === name)
  if (found === undefined) throw new Error(`no theft is called "${name}"`)
  return found
}

describe('the comparison of servers', { timeout: 120_000 }, () => {
  test('ours, bound: all of the trouble at once logs nobody out, and tells nobody so', async () => {
    const row = await compareHonest(countersign('bound'), honest('all of it'), logins)
    expect(row).toMatchObject({ logins, loggedOut: 0, refused: 0, failures: [] })
  })

  test('ours, unbound: retries within the grace log nobody out; a thief who is out of step is stopped', async () => {
    const row = await compareHonest(countersign('unbound'), honest('1 in 10 lost, again after 5 s'), logins)
    expect(row).toMatchObject({ loggedOut: 0, refused: 0, forked: 0 })
    const stolen = await compareThefts(countersign('unbound'), theft(false, 'halfway between'), logins)
    expect(stolen).toMatchObject({ thefts: logins, unseen: 0, flagged: 0 })
  })

  test('oidc-provider and better-auth refresh, and end a login whose token comes twice', async () => {
    for (const contender of [oidcProvider('unbound'), betterAuth('unbound', 0)]) {
      const stolen = await compareThefts(contender, theft(false, '60 s before the app'), logins)
      expect(stolen).toMatchObject({ contender: contender.name, thefts: logins, answered: logins, ended: logins })
    }
  })

  test('bound to a key, a token alone is worth nothing to a thief at any of them', async () => {
    for (const contender of [countersign('bound'), oidcProvider('bound'), betterAuth('bound', 30)]) {
      const scenario = theftScenarios(true).find(({ loot }) => loot === 'token')
      if (scenario === undefined) throw new Error('no theft is of a token alone')
      expect(await compareThefts(contender, scenario, logins)).toMatchObject({ thefts: logins, answered: 0 })
    }
  })
})

test('the comparison of SDKs: ours posts once for four tabs and two expiries each', { timeout: 120_000 }, async () => {
  const scenario = { sdk: '@countersign/app, bound', server: 'single use', tabs: 4, lossy: false } as const
  const row = await withBrowser(browser => compareSdk(browser, scenario, 2))
  expect(row).toMatchObject({ posts: 2, rotations: 2, reuses: 0, logouts: 0 })
})
