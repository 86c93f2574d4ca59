import type { Store, StoreOptions } from '@countersign/store'
import { expect, test } from 'vitest'
import { basic, introspect, postForm } from './calls.ts'
import { type GivenServer, given, secrets } from './given.ts'

/** A token of a machine is stored nowhere, and no commit can refuse it: what it was made of has to tell. Two nodes, each with a store of its own where there can be two. */
export function racesOfMints(openStores: (options: StoreOptions) => Promise<readonly [Store, Store]>): void {
  /** `meanwhile`: what happens between what a mint here has loaded and its answer. */
  async function nodes(): Promise<{
    here: GivenServer
    there: GivenServer
    mint: (meanwhile?: () => Promise<unknown>) => Promise<string>
  }> {
    let stores: readonly [Store, Store] | undefined
    let between: (() => Promise<unknown>) | undefined
    const here = await given.server({
      async openStore(options) {
        stores = await openStores(options)
        return stores[0]
      },
      wrapStore: store => ({
        ...store,
        async loadClient(id) {
          const found = await store.loadClient(id)
          const now = between
          between = undefined
          await now?.()
          return found
        },
      }),
    })
    const there = await given.server({
      openStore: async () => stores?.[1] as Store,
      closesStore: stores?.[0] !== stores?.[1],
    })
    there.setClock(here.now())
    return {
      here,
      there,
      async mint(meanwhile) {
        between = meanwhile
        const form = { grant_type: 'client_credentials' }
        const answer = await postForm(here, '/token', form, basic('orders', secrets.orders))
        expect(answer.status).toBe(200)
        return String(answer.body.access_token)
      },
    }
  }

  const revoke = ({ server }: GivenServer) => server.admin.clients.revoke('orders', 'operator')

  /** Whether it stands at both nodes, and for an API that knows the feed alone. */
  async function stands({ here, there }: { here: GivenServer; there: GivenServer }, token: string): Promise<unknown[]> {
    const { entries } = await here.store.feed.snapshot()
    const below = entries.flatMap(entry => (entry.kind === 'client' && entry.id === 'orders' ? [entry.below] : []))
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const isActive = async (to: GivenServer): Promise<unknown> => (await introspect(to, token)).body.active
    return [await isActive(here), await isActive(there), below.every(epoch => claims.epo.client >= epoch)]
  }

  test('a token of a machine that was given before everything of its client was ended elsewhere is dead everywhere', async () => {
    const both = await nodes()
    const token = await both.mint()
    expect(await stands(both, token)).toEqual([true, true, true])
    await revoke(both.there)
    expect(await stands(both, token)).toEqual([false, false, false])
  })

  test('one that is made of what was loaded before and given after is, too', async () => {
    const both = await nodes()
    const token = await both.mint(() => revoke(both.there))
    expect(await stands(both, token)).toEqual([false, false, false])
  })

  test('one that is asked for after stands everywhere', async () => {
    const both = await nodes()
    await revoke(both.there)
    expect(await stands(both, await both.mint())).toEqual([true, true, true])
  })
}
