import type { Store, StoreOptions } from '@countersign/store'
import { expect, test } from 'vitest'
import { postJson } from './calls.ts'
import { connectedServer } from './connected.ts'
import { startOpenid } from './upstreams/openid.ts'
import { closeUpstreams } from './upstreams/upstream.ts'

/** Fifty at once with one account of a provider: what must hold on every store. */
export function racesOfConnections(openStore?: (options: StoreOptions) => Promise<Store>): void {
  test('of fifty first sign-ins at once with one account of a provider one makes a user, and all are theirs', async () => {
    const upstream = await startOpenid()
    try {
      const connections = [{ ...upstream.settings, keep_tokens: true }]
      const to = await connectedServer(connections, openStore ? { openStore } : {})
      const before = (await to.audit()).length
      const answers = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const body = {
            connection: 'work',
            client_id: 'bearer-app',
            id_token: await upstream.idToken({ jti: `${index}` }),
          }
          return postJson(to, '/v1/sessions/connection', body)
        }),
      )
      expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(201))
      const events = await to.auditedSince(before)
      expect(events.filter(event => event === 'user.created')).toHaveLength(1)
      expect(events.filter(event => event === 'session.created')).toHaveLength(50)
      const { user } = await to.store.loadUserByIdentity('work', 'm-1')
      expect(await to.store.listSessions(user?.id ?? '')).toHaveLength(50)
      expect(await to.store.listIdentities(user?.id ?? '')).toHaveLength(1)
    } finally {
      await closeUpstreams()
    }
  })
}
