import { createMemoryStore, type Store, type StoreOptions } from '@countersign/store'
import { expect, test } from 'vitest'
import { codesOfSession } from '../endpoints/authorize/give-code.ts'
import { browser } from './browser.ts'
import { type Answer, introspect, redeem } from './calls.ts'
import { type GivenServer, given, sampleClients } from './given.ts'
import { openidClients } from './openid-clients.ts'

const clients = [...sampleClients, ...openidClients]
const addresses: Readonly<Record<string, string>> = {
  'bearer-app': 'https://app.example/callback',
  pair: 'https://pair.example/callback',
}

/** Fifty different codes of one session at one client, all at once: what must hold on every store. */
export function racesOfCodes(
  open: (options: StoreOptions) => Promise<Store> = async one => createMemoryStore(one),
): void {
  test.each(Object.keys(addresses))(
    'of fifty codes redeemed in one session at once all give tokens, and five logins live: %s',
    async id => {
      const to = await given.server({ clients, openStore: open })
      const answers = await redeemAll([to], id)
      expect(answers.map(({ status }) => status)).toEqual(new Array(50).fill(200))
      expect(await living(to, answers)).toBe(5)
    },
  )

  test('the same at two nodes, where the rows alone decide who is next', async () => {
    let shared: Store | undefined
    const openStore = async (options: StoreOptions): Promise<Store> => {
      if (shared !== undefined) return { ...shared, close: async () => {} }
      shared = await open(options)
      return shared
    }
    const nodes = [await given.server({ clients, openStore }), await given.server({ clients, openStore })]
    const answers = await redeemAll(nodes, 'pair')
    expect(answers.map(({ status }) => status)).toEqual(new Array(50).fill(200))
    expect(await living(nodes[0] as GivenServer, answers)).toBe(5)
  })
}

async function redeemAll(nodes: readonly GivenServer[], id: string): Promise<Answer[]> {
  const [to = await given.server()] = nodes
  const page = browser(to)
  await page.signUp()
  const { user } = await to.store.loadUserByEmail('maria@example.com')
  const [login] = await to.store.listSessions(user?.id ?? '')
  const asked = { client_id: id, redirect_uri: addresses[id] ?? '' }
  const codes: { code: string; verifier: string }[] = []
  while (codes.length < 50) {
    codes.push(await page.code(asked))
    // The limit on codes is not what is tried here.
    await to.server.services.counters.clear(codesOfSession, login?.session.id ?? '')
  }
  return Promise.all(
    codes.map(({ code, verifier }, index) =>
      redeem(nodes[index % nodes.length] ?? to, { ...asked, code, code_verifier: verifier }),
    ),
  )
}

async function living(to: GivenServer, answers: readonly Answer[]): Promise<number> {
  const told = await Promise.all(answers.map(({ body }) => introspect(to, String(body.access_token))))
  return told.filter(({ body }) => body.active === true).length
}
