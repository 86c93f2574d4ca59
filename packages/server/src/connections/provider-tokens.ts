import type { Connection, ProviderTokens } from '@countersign/connections'
import { hashCode, type Identity, type Instant, mayUse, type Snapshot } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Services } from '../services.ts'

/** A token is handed out only if it lives at least so long yet. */
const spareMs = 60_000
/** Whoever has begun to refresh is given so long; then another may. */
const claimMs = 30_000

/**
 * The tokens of a user at a connection, refreshed if they have to be: by one node, once, however many ask, since a provider that rotates refresh tokens would take the second
 * for a thief. Others meanwhile: `unavailable`, try again in a second.
 */
export async function providerTokens(
  services: Services,
  connection: Connection,
  userId: string,
): Promise<ProviderTokens | Refusal> {
  const found = await findTokens(services, connection, userId)
  if (isRefusal(found)) return found
  const { identity, tokens, snapshot } = found
  if (leftMs(tokens, snapshot.now) >= spareMs) return tokens
  return services.vault.together(identity, () => refreshOnce(services, connection, userId))
}

/** A token that does not say when it ends is taken for one that does not. */
function leftMs({ expiresAt }: ProviderTokens, now: Instant): number {
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - now
}

type Found = { snapshot: Snapshot; identity: Identity; tokens: ProviderTokens }

async function findTokens(services: Services, { name }: Connection, userId: string): Promise<Found | Refusal> {
  const { user } = await services.store.loadUser(userId)
  if (user === undefined) return refuse('user_unknown')
  if (!mayUse(user)) return refuse('user_disabled')
  const listed = (await services.store.listIdentities(userId)).filter(one => one.connection === name)
  const kept = listed.filter(one => one.sealedTokens !== null).at(-1)
  if (kept === undefined) return refuse('provider_token_missing')
  // By its name: the time and the row are of one moment.
  const snapshot = await services.store.loadUserByIdentity(name, kept.subject)
  const { identity } = snapshot
  const tokens = identity && snapshot.user?.id === userId ? services.vault.open(identity) : undefined
  return identity === undefined || tokens === undefined
    ? refuse('provider_token_missing')
    : { snapshot, identity, tokens }
}

async function refreshOnce(
  services: Services,
  connection: Connection,
  userId: string,
): Promise<ProviderTokens | Refusal> {
  // Looked at again: another node may just have done it.
  const found = await findTokens(services, connection, userId)
  if (isRefusal(found)) return found
  const { identity, tokens, snapshot } = found
  if (leftMs(tokens, snapshot.now) >= spareMs) return tokens
  const stillGood = leftMs(tokens, snapshot.now) > 0
  if (connection.refresh === undefined || tokens.refreshToken === undefined) {
    return stillGood ? tokens : refuse('provider_token_missing')
  }
  if (!(await claim(services, identity, snapshot.now))) return refuse('unavailable', { retryAfterSeconds: 1 })
  const refreshed = await connection.refresh(tokens)
  if (isRefusal(refreshed)) return stillGood ? tokens : refreshed
  return (await keep(services, identity, refreshed)) ? refreshed : refuse('provider_token_missing')
}

/** One node at a time; by the version, so that what was refreshed can be refreshed again. */
async function claim({ store }: Services, identity: Identity, now: Instant): Promise<boolean> {
  const hash = hashCode(`refresh ${JSON.stringify([identity.connection, identity.subject, identity.version])}`)
  const before = (await store.loadShortLived('usedOnce', hash))?.row
  if (before !== undefined && before.expiresAt > now) return false
  const row = { hash, expiresAt: now + claimMs, version: before?.version ?? 0 }
  const writes = [{ table: 'usedOnce' as const, row }]
  const change = { writes, audit: [], entries: [], durable: false, time: now }
  return (await store.commit(change)) === 'committed'
}

/**
 * The old refresh token may be worth nothing by now, so the new one is kept whatever else has happened to the row meanwhile; but not if the identity was taken off its
 * user.
 */
async function keep({ store, vault }: Services, identity: Identity, tokens: ProviderTokens): Promise<boolean> {
  const { connection, subject, userId } = identity
  for (let tries = 0; tries < 10; tries++) {
    const snapshot = await store.loadUserByIdentity(connection, subject)
    const row = snapshot.identity
    if (row === undefined || row.userId !== userId || row.unlinkedAt !== null || row.sealedTokens === null) return false
    const sealedTokens = vault.seal({ connection, subject }, tokens)
    const writes = [{ table: 'identity' as const, row: { ...row, sealedTokens } }]
    const change = { writes, audit: [], entries: [], durable: true, time: snapshot.now }
    if ((await store.commit(change)) === 'committed') return true
  }
  return false
}
