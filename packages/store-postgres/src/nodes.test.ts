import {
  type AuthenticatedClient,
  type Change,
  endAllSessions,
  openLogin,
  openRefreshToken,
  redeemCode,
  redeemRefreshToken,
} from '@countersign/core'
import { brokenAuditRow, type Store } from '@countersign/store'
import * as given from '@countersign/store/given'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, startCluster } from './testing/cluster.ts'
import { withNodes } from './testing/stores.ts'

let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.discard())

/** What two nodes share: a user with a login, under a grant. */
interface Scene {
  readonly here: Store
  readonly there: Store
  readonly login: given.Login
  readonly code: given.GivenCode
}

/** Begun here: loaded and decided, not committed. Answers with the change, and the refresh token that shows what became of it. */
type Beginning = (scene: Scene) => Promise<{ change: Change; token: string }>

const beginnings: Readonly<Record<string, Beginning>> = {
  async 'a login'({ here, login: { user, client } }) {
    const { now, issuer, user: loaded } = await here.loadUser(user.id)
    if (loaded === undefined) throw new Error('the user is gone')
    const of = { snapshot: { now, issuer }, user: loaded, device: given.device, amr: ['pwd'], random: given.random }
    const opened = openLogin({ ...of, client, scope: 'account', jkt: undefined })
    return { change: opened.change, token: given.token(opened.family) }
  },
  async 'a refresh'({ here, login: { family } }) {
    const snapshot = await here.loadFamily(family.id)
    const token = openRefreshToken(given.token(family), () => given.refreshKey.key)
    if (snapshot === undefined || typeof token === 'string') throw new Error('there is nothing to refresh')
    const client = snapshot.client as AuthenticatedClient
    const { change, row } = redeemRefreshToken({ token, snapshot, client, jkt: undefined, device: given.device })
    if (change === undefined) throw new Error(`row ${row} instead of a rotation`)
    return { change, token: given.token(family, 1) }
  },
  async 'the redemption of a code'({ here, code }) {
    const snapshot = await here.loadCode(code.row.hash)
    if (snapshot === undefined) throw new Error('the code is gone')
    const { outcome, change } = redeemCode({
      snapshot,
      client: snapshot.client as AuthenticatedClient,
      redirectUri: code.row.redirectUri,
      verifier: code.verifier,
      jkt: undefined,
      device: given.device,
      random: given.random,
      logins: [],
    })
    if (outcome.refused || change === undefined) throw new Error('the code was refused')
    return { change, token: given.token(outcome.family) }
  },
}

/** Decided and committed there, until it is through. */
const revocations: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'a change of the password': scene => endAll(scene, 'password_changed'),
  'the end of all sessions': scene => endAll(scene, 'ended_by_user'),
  'the revocation of the client': ({ there, login }) =>
    untilCommitted(there, async () => {
      const client = (await there.loadClient(login.client.id))?.client
      return client && given.change([{ table: 'client', row: { ...client, epoch: client.epoch + 1 } }])
    }),
  'the withdrawal of the grant': ({ there, login }) =>
    untilCommitted(there, async () => {
      const { grant, now } = await there.loadGrant(login.user.id, login.client.id)
      return grant && given.change([{ table: 'grant', row: { ...grant, epoch: grant.epoch + 1, withdrawnAt: now } }])
    }),
}

function endAll({ there, login }: Scene, reason: 'password_changed' | 'ended_by_user'): Promise<void> {
  return untilCommitted(there, async () => {
    const snapshot = await there.loadUser(login.user.id)
    const { user } = snapshot
    return user && endAllSessions({ ...snapshot, user }, reason, { device: given.device })
  })
}

async function untilCommitted(store: Store, decide: () => Promise<Change | undefined>): Promise<void> {
  for (;;) {
    const change = await decide()
    if (change === undefined || (await store.commit(change)) === 'committed') return
  }
}

async function withScene(body: (scene: Scene) => Promise<void>): Promise<void> {
  await withNodes(cluster.url, async ({ open, clock }) => {
    const [here, there] = [await open(), await open()]
    const client = await given.client(here, { consent: 'asked' })
    const user = await given.user(here)
    const grant = await given.grant(here, { user, client })
    const login = await given.login(here, { user, client })
    // As a login under a grant is: with its epoch.
    const row = { ...login.family, epochs: { ...login.family.epochs, grant: grant.epoch } }
    await here.commit(given.change([{ table: 'family', row }]))
    const { session } = await given.browserSession(here, user)
    clock.advance(client.refresh.minimumLifeSeconds)
    const code = await given.code(here, { user, session, client, grant })
    await body({ here, there, login: { ...login, family: given.stored(row) }, code })
  })
}

async function expectDead({ here, there }: Scene, token: string): Promise<void> {
  for (const store of [here, there]) {
    expect((await given.redeem(store, token)).outcome).toMatchObject({ refused: true, reason: 'authorization_revoked' })
  }
}

/** A login by the client itself is under no grant. */
const under = (revocation: string): [string, Beginning][] =>
  Object.entries(beginnings).filter(([name]) => revocation !== 'the withdrawal of the grant' || name !== 'a login')

describe.each(Object.entries(revocations))('%s on another node', (revocation, revoke) => {
  test.each(under(revocation))(
    '%s that was begun before and is committed after gives nothing',
    async (_beginning, begin) => {
      await withScene(async scene => {
        const { change, token } = await begin(scene)
        await revoke(scene)
        expect(await scene.here.commit(change)).toBe('committed')
        await expectDead(scene, token)
      })
    },
  )

  test.each(under(revocation))('%s that was committed before is over with it', async (_beginning, begin) => {
    await withScene(async scene => {
      const { change, token } = await begin(scene)
      expect(await scene.here.commit(change)).toBe('committed')
      await revoke(scene)
      await expectDead(scene, token)
    })
  })

  test.each(under(revocation))('%s at the same time gives nothing either', async (_beginning, begin) => {
    await withScene(async scene => {
      const { change, token } = await begin(scene)
      const [outcome] = await Promise.all([scene.here.commit(change), revoke(scene)])
      expect(outcome).toBe('committed')
      await expectDead(scene, token)
    })
  })
})

test.each([
  ...Object.entries(revocations),
  [
    'the end of all sessions but the one that the code was given in',
    ({ there, login, code }: Scene) =>
      untilCommitted(there, async () => {
        const snapshot = await there.loadUser(login.user.id)
        const [{ user }, keep] = [snapshot, await there.loadSession(code.session.id)]
        return user && endAllSessions({ ...snapshot, user }, 'ended_by_user', { device: given.device, keep })
      }),
  ] as const,
])('a code that was given before %s on another node gives nothing after it', async (_revocation, revoke) => {
  await withScene(async scene => {
    await revoke(scene)
    for (const store of [scene.here, scene.there]) {
      expect((await given.redeemCode(store, scene.code)).outcome).toMatchObject({
        refused: true,
        reason: 'code_invalid',
      })
    }
  })
})

test('of fifty redemptions of one token on two nodes at once one rotates, the others are answered alike', async () => {
  await withNodes(cluster.url, async ({ open, clock }) => {
    const stores = [await open(), await open()] as const
    const { token, client, family } = await given.login(stores[0])
    clock.advance(client.refresh.minimumLifeSeconds)
    const decisions = await Promise.all(
      Array.from({ length: 50 }, (_, index) => given.redeem(stores[index % 2 === 0 ? 0 : 1], token)),
    )
    expect(decisions.filter(({ row }) => row === 5)).toHaveLength(1)
    for (const { outcome } of decisions) expect(outcome).toMatchObject({ generation: 1 })
    expect((await stores[1].loadFamily(family.id))?.family).toMatchObject({ generation: 1, version: 2, endedAt: null })
  })
})

test('CVE-2026-47386: of fifty redemptions of one code on two nodes at once one gets a family', async () => {
  await withNodes(cluster.url, async ({ open }) => {
    const stores = [await open(), await open()] as const
    const issued = await given.code(stores[0])
    const decisions = await Promise.all(
      Array.from({ length: 50 }, (_, index) => given.redeemCode(stores[index % 2 === 0 ? 0 : 1], issued)),
    )
    expect(decisions.filter(({ outcome }) => !outcome.refused)).toHaveLength(1)
    expect((await stores[1].loadSession(issued.session.id))?.families).toHaveLength(1)
  })
})

test('two nodes that write many of the same rows in opposite orders both get through', async () => {
  await withNodes(cluster.url, async ({ open }) => {
    const stores = [await open(), await open()] as const
    const user = await given.user(stores[0])
    const client = await given.client(stores[0])
    const logins = await Promise.all(Array.from({ length: 12 }, () => given.login(stores[0], { user, client })))
    const writeAll = async (store: Store, order: readonly given.Login[]): Promise<void> => {
      for (let times = 0; times < 5; times++) {
        await untilCommitted(store, async () => {
          const found = await Promise.all(order.map(({ family }) => store.loadFamily(family.id)))
          return given.change(found.flatMap(one => (one ? [{ table: 'family' as const, row: one.family }] : [])))
        })
      }
    }
    await Promise.all([writeAll(stores[0], logins), writeAll(stores[1], logins.toReversed())])
    for (const { family } of logins) expect((await stores[0].loadFamily(family.id))?.family.version).toBe(11)
  })
})

test('entries and audit rows of two nodes get one row of numbers, without a gap, and one chain', async () => {
  await withNodes(cluster.url, async ({ open, clock }) => {
    const stores = [await open(), await open()] as const
    const until = Math.floor(clock.now() / 1000) + 900
    await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        const audit = [{ event: 'token.revoked', time: index } as const]
        const entries = [{ kind: 'token', id: `${index}`, until } as const]
        return stores[index % 2 === 0 ? 0 : 1].commit(given.change([], { audit, entries }))
      }),
    )
    for (const { feed, readAudit } of stores) {
      const { number, entries } = await feed.snapshot()
      expect([number, new Set(entries.map(({ id }) => id)).size]).toEqual([60, 60])
      const rows = await readAudit(0, 100)
      expect(rows.map(row => row.number)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
      expect(brokenAuditRow(rows)).toBeUndefined()
    }
  })
})
