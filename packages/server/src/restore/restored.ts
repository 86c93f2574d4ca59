import { type JournalRecord, markRestored } from '@countersign/core'
import type { Refusal } from '@countersign/protocol'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { type ReplayOptions, replayJournal } from './replay-journal.ts'

/**
 * After a backup was restored: a new history, every access token renewed, and what the journal says was taken back is so again. What is counted are
 * records that were not in the backup; the audit log says of how many rows of each kind.
 */
export async function afterRestore(
  services: Pick<Services, 'store' | 'keys'>,
  journal: Iterable<JournalRecord> | AsyncIterable<JournalRecord>,
  options: { readonly incarnation: string; readonly openPassword: ReplayOptions['openPassword'] },
): Promise<{ readonly revoked_again: number } | Refusal> {
  const { store, keys } = services
  const replayed = await replayJournal(journal, {
    store,
    openPassword: options.openPassword,
    retireKey: id => keys.retire(id),
  })
  // Last: from here on nodes that know the old history end, and new ones begin with everything that was revoked.
  return decideAndCommit(services, async () => {
    const facts = { revoked_again: replayed.records, ...replayed.rows }
    const change = markRestored(await store.loadIssuer(), options.incarnation, facts)
    return { result: { revoked_again: replayed.records }, change }
  })
}
