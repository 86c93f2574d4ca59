import { randomBytes } from 'node:crypto'
import { journalRecord, type MasterKey } from '@countersign/core'
import { createLookout, everyInterval, type Log } from '@countersign/server'
import { type Store, StoreUnavailable } from '@countersign/store'
import { type AuditFollower, createAuditFollower } from './follow-audit.ts'
import { openJournal } from './journal-file.ts'
import { createLineSeal } from './line-seal.ts'
import { createPasswordSeal } from './password-seal.ts'

const followEveryMs = 1_000

/**
 * A store whose revocations are in the journal before it is asked to commit them. So whatever breaks between the two, none is done and not written; what is
 * written and was perhaps never done is what somebody wanted to take back, and got no answer for.
 *
 * What the audit log has beyond the journal is written first, and from then on as it comes.
 */
export async function withJournal(
  store: Store,
  options: { readonly path: string; readonly master: MasterKey; readonly issuer: string; readonly log: Log },
): Promise<Store> {
  const { path, master, issuer, log } = options
  const journal = await openJournal(path, createLineSeal(master, issuer))
  const { seal } = createPasswordSeal(master, randomBytes)
  const follower = await caughtUp({
    store,
    journal,
    sealPassword: seal,
    onLacking: rows =>
      log.warn(
        rows,
        'the revocation journal lacks what others have revoked in rows that were removed from the audit log: a restore needs the journals of the other nodes, too',
      ),
  })
  let isBehind = false
  const lookout = createLookout({
    every: everyInterval,
    everyMs: followEveryMs,
    async work() {
      await follower.follow()
      isBehind = false
    },
    onFailure(error) {
      if (!isBehind)
        log.warn(factsOf(error), 'the revocation journal lacks what others have revoked; it is tried again')
      isBehind = true
    },
  })
  const stopListening = store.feed.subscribe(() => void lookout.look())

  const commit: Store['commit'] = async change => {
    const record = journalRecord(change, seal)
    if (record === undefined) return store.commit(change)
    const id = randomBytes(9).toString('base64url')
    await journal.append([{ id, ...record }])
    follower.knows(change.audit)
    const outcome = await store.commit(change).catch(async (error: unknown) => {
      follower.forgets(change.audit)
      // Else it may have been committed all the same.
      if (!(error instanceof StoreUnavailable)) await journal.append([{ undone: id }])
      throw error
    })
    if (outcome === 'conflict') {
      follower.forgets(change.audit)
      await journal.append([{ undone: id }])
    }
    return outcome
  }

  return {
    ...store,
    commit,
    async close() {
      stopListening()
      await lookout.look()
      await lookout.stop()
      await store.close()
      await journal.close()
    },
  }
}

/** Nothing is answered before what the journal lacks is in it. */
async function caughtUp(options: Parameters<typeof createAuditFollower>[0]): Promise<AuditFollower> {
  try {
    const follower = await createAuditFollower(options)
    await follower.follow()
    return follower
  } catch (error) {
    await options.journal.close()
    throw error
  }
}

function factsOf(error: unknown): { failure: string; cause?: string } {
  if (error instanceof StoreUnavailable) return { failure: error.name, cause: error.message }
  return { failure: error instanceof Error ? error.name : 'unknown' }
}
