import { type CodeSnapshot, currentEpochs, type Grant, redeemRefreshToken } from '@countersign/core'
import type { Store } from '@countersign/store'
import type { Breakage } from './breakage.ts'

const focus: Breakage['focus'] = { troubles: ['codes', 'consent'], applications: true }

/** The store says something else of a code that is presented. */
function codes(name: string, foundBy: readonly string[], change: (snapshot: CodeSnapshot) => CodeSnapshot): Breakage {
  const wrap = (store: Store): Store => ({
    ...store,
    feed: store.feed,
    async loadCode(hash) {
      const found = await store.loadCode(hash)
      return found && change(found)
    },
  })
  return { name, focus, foundBy, wrapStore: () => wrap }
}

function standing<T extends Grant | undefined>(grant: T): T {
  return grant && { ...grant, withdrawnAt: null }
}

/** The code flow and consent, each with one thing changed. */
export const brokenCodes: readonly Breakage[] = [
  codes('a code can be used twice', ['a code gives one login'], snapshot => ({
    ...snapshot,
    code: { ...snapshot.code, usedAt: null },
  })),
  codes(
    'a code outlives what it was begun under',
    ['a code begun before a revocation gives nothing after it', 'an application has what the user allows, and no more'],
    snapshot => {
      const { code, session, grant } = snapshot
      const epochs = currentEpochs(snapshot)
      return {
        ...snapshot,
        code: { ...code, epochs },
        session: { ...session, epochs },
        grant: standing(grant),
      }
    },
  ),
  codes('a stolen code costs the thief nothing', ['a code that comes back late ends what it gave'], snapshot => ({
    ...snapshot,
    given: undefined,
  })),
  codes('a page that is loaded again is theft', ['a code that is repeated at once ends nothing'], snapshot => {
    const { code } = snapshot
    return { ...snapshot, code: { ...code, usedAt: code.usedAt === null ? null : code.usedAt - 10_000 } }
  }),
  {
    name: 'a code is given to whoever has it',
    focus: { troubles: ['thief', 'thief', 'thief', 'codes'], applications: true },
    foundBy: ['a code is worth nothing without its verifier'],
    intake: world => request => {
      const form = new URLSearchParams(request.path === '/token' ? request.body : '')
      const held = [...world.applications.values()].map(one => one.held()).find(one => one?.code === form.get('code'))
      if (held === undefined) return request
      form.set('code_verifier', held.verifier)
      return { ...request, body: form.toString() }
    },
  },
  {
    name: 'what was taken back counts as allowed',
    focus,
    foundBy: ['an application has what the user allows, and no more'],
    wrapStore: () => store => ({
      ...store,
      feed: store.feed,
      async loadGrant(userId, clientId) {
        const found = await store.loadGrant(userId, clientId)
        return { ...found, grant: standing(found.grant) }
      },
      async loadCode(hash) {
        const found = await store.loadCode(hash)
        return found && { ...found, grant: standing(found.grant) }
      },
    }),
  },
  {
    name: 'taking back what was allowed leaves the refresh token alone',
    focus,
    foundBy: ['a revoked login mints nothing'],
    wrapStore: () => store => ({
      ...store,
      feed: store.feed,
      commit(change) {
        const isWithdrawal = change.audit.some(({ event }) => event === 'grant.withdrawn')
        if (!isWithdrawal) return store.commit(change)
        const writes = change.writes.filter(({ table }) => table === 'grant')
        const audit = change.audit.filter(({ event }) => event === 'grant.withdrawn')
        return store.commit({ ...change, writes, audit })
      },
    }),
    judgeRefresh: () => request => {
      const { grant: _grant, ...snapshot } = request.snapshot
      return redeemRefreshToken({ ...request, snapshot: { ...snapshot, grant: undefined } })
    },
  },
  {
    name: 'the feed is not told what a user has taken back',
    focus: { ...focus, troubles: ['consent'], apis: 1 },
    foundBy: ['a revoked token is refused everywhere within the bound'],
    wrapStore: () => store => ({
      ...store,
      feed: store.feed,
      commit: change => store.commit({ ...change, entries: change.entries.filter(({ kind }) => kind !== 'grant') }),
    }),
  },
]
