import type { Change, Issuer, Write } from '@countersign/core'
import { epochEntry } from '@countersign/core'
import type { Applied } from '../history/applied.ts'
import type { World } from './world.ts'

/*
 * What an operator does after a disaster. Nodes are down meanwhile, as after any change of the primary.
 */

/**
 * A stand-by that lagged behind becomes the primary: durable commits of the last moments are gone as well. It is noted like a
 * restore (decision 4): else an unbound login that was used since an earlier one, and has lost two rotations now, looks stolen.
 */
export async function promoteStale(world: World, lag: number): Promise<void> {
  const { time, disk, tell } = world
  world.count('stale replica promoted')
  for (const node of world.nodes) node.crash()
  const lost = await disk.goBack(time.now() - lag, `history ${time.now()}`)
  tell({ kind: 'forgotten', time: time.now(), how: 'stale replica', lost })
  const { issuer } = await disk.engine().loadIssuer()
  const row = { ...issuer, restoredAt: disk.now() }
  const writes = [{ table: 'issuer' as const, row }]
  await disk.commit({ writes, entries: [], audit: [], durable: true, time: disk.now() }, 'operator')
  for (const node of world.nodes) void node.start()
}

/**
 * An old backup comes back: the moment is written down (idleness and row 4 ask for it) and the epoch `all` is raised, so every
 * access token is renewed. With the journal, what was revoked since is revoked again.
 */
export async function goBackToBackup(world: World, age: number, journal: boolean): Promise<void> {
  const { time, disk, tell } = world
  world.count(journal ? 'backup restored with the journal' : 'backup restored without the journal')
  for (const node of world.nodes) node.crash()
  // Not further back than the users: there is no backup of an empty store.
  const lost = await disk.goBack(Math.max(100, time.now() - age), `history ${time.now()}`)
  tell({ kind: 'forgotten', time: time.now(), how: 'backup', lost })
  const { issuer } = await disk.engine().loadIssuer()
  await disk.commit(restored(issuer, disk.now()), 'operator')
  if (journal) for (const one of lost) await revokeAgain(world, one)
  for (const node of world.nodes) void node.start()
}

function restored(issuer: Issuer, now: number): Change {
  const epoch = Math.max(issuer.epoch + 1, Math.floor(now / 1000))
  return {
    writes: [{ table: 'issuer', row: { ...issuer, epoch, restoredAt: now } }],
    entries: [epochEntry('all', '', epoch, now, issuer)],
    audit: [{ event: 'all.revoked', time: now, facts: { reason: 'restored' } }],
    durable: true,
    time: now,
  }
}

/** What the journal has of a change: the ends in it, on the rows as they are now. */
async function revokeAgain({ disk }: World, { change }: Applied): Promise<void> {
  const writes: Write[] = []
  for (const write of change.writes) {
    if (write.table === 'family' && write.row.endedAt !== null) {
      const found = await disk.engine().loadFamily(write.row.id)
      const { endedAt, endReason } = write.row
      if (found && found.family.endedAt === null)
        writes.push({ table: 'family', row: { ...found.family, endedAt, endReason } })
    }
    if (write.table === 'session' && write.row.endedAt !== null) {
      const found = await disk.engine().loadSession(write.row.id)
      const { endedAt, endReason } = write.row
      if (found && found.session.endedAt === null)
        writes.push({ table: 'session', row: { ...found.session, endedAt, endReason } })
    }
    if (write.table === 'grant' && write.row.withdrawnAt !== null) {
      const { userId, clientId, epoch, withdrawnAt } = write.row
      const { grant } = await disk.engine().loadGrant(userId, clientId)
      if (grant && grant.epoch < epoch) writes.push({ table: 'grant', row: { ...grant, epoch, withdrawnAt } })
    }
    if (write.table === 'user' && write.row.epoch > 1) {
      const { user } = await disk.engine().loadUser(write.row.id)
      if (user && user.epoch < write.row.epoch) {
        const { epoch, disabledAt, deletedAt, passwordHash } = write.row
        writes.push({ table: 'user', row: { ...user, epoch, disabledAt, deletedAt, passwordHash } })
      }
    }
  }
  if (writes.length === 0) return
  const { entries } = change
  const audit = change.audit.filter(({ event }) => event !== 'session.created')
  await disk.commit({ writes, entries, audit, durable: true, time: disk.now() }, 'operator')
}
