import { type Change, epochEntry, type Family, mayUse, type User } from '@countersign/core'
import type { FeedEntry } from '@countersign/protocol'
import type { Store } from '@countersign/store'
import { type ClaimsTeller, tellsAnother } from './claims-teller.ts'

/**
 * The store, so that whoever changes what tokens tell of a user tells the clients too: the logins whose tokens would now say something else are named in the feed, in the same commit, APIs
 * refuse these tokens with `token_outdated`, and their clients get new ones. Nobody who changes a user has to think of it. Where nothing is told differently, nothing is entered.
 *
 * A login that is opened in the same instant may still get a token that tells what was; its next one does not.
 */
export function tellChangedClaims(store: Store, teller: ClaimsTeller): Store {
  return {
    ...store,
    async commit(change) {
      const told = await withClaims(store, teller, change)
      return store.commit(told ?? change)
    },
  }
}

async function withClaims(store: Store, teller: ClaimsTeller, change: Change): Promise<Change | undefined> {
  const user = change.writes.find(({ table, row }) => table === 'user' && row.version > 0)?.row as User | undefined
  if (user === undefined || !mayUse(user)) return undefined
  const { user: before, issuer, now } = await store.loadUser(user.id)
  // Of another version: a conflict, and decided again. Of another epoch: all of its tokens end anyway.
  if (before === undefined || before.version !== user.version || !tellsAnother(before, user)) return undefined
  const after: User = { ...user, claimsEpoch: before.claimsEpoch + 1 }
  const outdated = await outdatedFamilies(store, teller, before, after)
  const entries: FeedEntry[] = outdated.map(({ id }) => epochEntry('claims', id, after.claimsEpoch, now, issuer))
  return {
    ...change,
    writes: change.writes.map(write => (write.row === user ? { table: 'user', row: after } : write)),
    entries: [...change.entries, ...entries],
    durable: change.durable || entries.length > 0,
  }
}

/** Those whose tokens tell something else from now on. */
async function outdatedFamilies(store: Store, teller: ClaimsTeller, before: User, after: User): Promise<Family[]> {
  const families = (await store.listSessions(after.id)).flatMap(session => session.families)
  const outdated: Family[] = []
  for (const family of families) {
    const client = family.endedAt === null ? (await store.loadClient(family.clientId))?.client : undefined
    if (client === undefined) continue
    const to = { client, audiences: family.audiences, scope: family.scope }
    const [then, now] = [await teller.accessToken(before, to), await teller.accessToken(after, to)]
    if (JSON.stringify(then.claims) !== JSON.stringify(now.claims)) outdated.push(family)
  }
  return outdated
}
