import { inSchema, lockNumber } from './statements.ts'

/*
 * Entries of the feed and audit rows are written without a number by the transaction that they belong to, and numbered
 * afterwards: one at a time over the whole database, which a row for "the next number" in each transaction would make of all
 * logins and revocations alike.
 *
 * The sequencer is one script that runs on the server, under a lock of its transaction. It has no leader and no state: any node may run
 * it at any time, and whoever wants to see a number does. A node that dies in the middle leaves nothing behind: the
 * server finishes the script or takes it back, and the next look of any node numbers the rest.
 *
 * What is numbered was committed before and is visible to the script, so that numbers have no gaps, and the commit of the
 * numbers waits for the disk: a number that was read is never given to another.
 */

const rowsAtOnce = 1000

/** How the channel is called on which nodes hear of new entries; the newest number is said. */
export function feedChannel(schema: string): string {
  return `countersign ${schema} feed`
}

/**
 * Numbers what is committed, a batch of it. Answers with one row: the newest entry's number, and whether it may have left some. The
 * audit rows' hash is that of `audit-chain.ts`, over the canonical JSON of the row, whose first member is its number.
 */
export function sequenceText(schema: string, durableSetting: string): string {
  return inSchema(
    schema,
    `BEGIN ISOLATION LEVEL READ COMMITTED;
${durableSetting};
SELECT pg_advisory_xact_lock(${lockNumber(schema, 'sequence')});
WITH taken AS (
  DELETE FROM countersign.entry_unnumbered WHERE place IN (
    SELECT place FROM countersign.entry_unnumbered ORDER BY place LIMIT ${rowsAtOnce})
  RETURNING place, kind, id, below, "at", until
), numbered AS (
  INSERT INTO countersign.entry (number, kind, id, below, "at", until)
  SELECT head.number + row_number() OVER (ORDER BY taken.place), kind, id, below, "at", until
  FROM taken, (SELECT coalesce(max(number), 0) AS number FROM countersign.entry) head
  RETURNING number
)
SELECT pg_notify('${feedChannel(schema).replaceAll("'", "''")}', max(number)::text) FROM numbered HAVING count(*) > 0;
DO $sequence$
DECLARE
  taken record;
  head bigint;
  chain bytea;
BEGIN
  SELECT number, hash INTO head, chain FROM countersign.audit ORDER BY number DESC LIMIT 1;
  head := coalesce(head, 0);
  chain := coalesce(chain, '');
  FOR taken IN
    WITH gone AS (
      DELETE FROM countersign.audit_unnumbered WHERE place IN (
        SELECT place FROM countersign.audit_unnumbered ORDER BY place LIMIT ${rowsAtOnce})
      RETURNING place, body
    )
    SELECT body FROM gone ORDER BY place
  LOOP
    head := head + 1;
    chain := sha256(chain || convert_to('{"number":' || head || ',' || taken.body || '}', 'UTF8'));
    INSERT INTO countersign.audit (number, body, hash) VALUES (head, taken.body, chain);
  END LOOP;
END
$sequence$;
SELECT (SELECT coalesce(max(number), 0) FROM countersign.entry) AS newest,
  EXISTS (SELECT FROM countersign.entry_unnumbered) OR EXISTS (SELECT FROM countersign.audit_unnumbered) AS more;
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
