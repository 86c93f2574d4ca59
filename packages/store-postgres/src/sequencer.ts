import { limitsText } from './database.ts'
import { durableText, inSchema, lockNumber, quotedText } from './statements.ts'

/*
 * Entries of the feed and audit rows are written without a number by the transaction that they belong to, and numbered
 * afterwards: one at a time over the whole database, which a row for "the next number" in each transaction would make of all
 * logins and revocations alike.
 *
 * The sequencer is a function of the database (`number_committed`, in migrations.ts), which one script calls under a lock of its transaction. It
 * has no leader and no state: any node may run it at any time, and whoever wants to see a number does. A node that dies in the middle leaves
 * nothing behind: the server finishes the script or takes it back, and the next look of any node numbers the rest.
 *
 * What is numbered was committed before and is visible to the function, so that numbers have no gaps, and the commit of the
 * numbers waits for the disk: a number that was read is never given to another.
 */

/** How the channel is called on which nodes hear of new entries; the newest number is said. */
export function feedChannel(schema: string): string {
  return `countersign ${schema} feed`
}

/** Whether something waits for its number. By the index, which skips what was numbered since the last vacuum. */
export function pendingText(kind: 'entry' | 'audit'): string {
  return `(SELECT min(place) FROM countersign.${kind}_unnumbered) IS NOT NULL`
}

/** One message to the server, which runs all of it or takes all of it back. Answers with one row: the newest entry's number, and whether it may have left some. */
export function sequenceText(schema: string, patienceMs: number): string {
  const channel = quotedText(feedChannel(schema))
  return inSchema(
    schema,
    `BEGIN ISOLATION LEVEL READ COMMITTED;
${limitsText(patienceMs, 'LOCAL')};
${durableText};
SELECT newest, more FROM countersign.number_committed(${lockNumber(schema, 'sequence')}, ${channel});
COMMIT`,
  )
}

/** Runs what was begun before a call at most once more for all who called meanwhile. */
export function createSequencer(options: {
  /** Runs the script once. */
  pass: () => Promise<{ readonly newest: number; readonly more: boolean }>
  noticed: (newest: number) => void
}): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  async function run(): Promise<void> {
    for (;;) {
      const { newest, more } = await options.pass()
      options.noticed(newest)
      if (!more) return
    }
  }

  function start(): Promise<void> {
    running = run().finally(() => {
      running = undefined
    })
    return running
  }

  /** Resolves when all that was committed before the call has its number. */
  return () => {
    if (running === undefined) return start()
    // What runs by now may have looked already.
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
}
