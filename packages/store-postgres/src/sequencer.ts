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

/** Rows of each kind at once; migrations do not change, so this is what the function was made with. */
const rowsAtOnce = 1000

/** How the channel is called on which nodes hear of new entries; the newest number is said. */
export function feedChannel(schema: string): string {
  return `countersign ${schema} feed`
}

/** Where the next of them stand. What has gone since the last vacuum is many times more, and is skipped by the index alone: the table is never read from end to end. */
function nextRows(kind: 'entry' | 'audit'): string {
  return `SELECT min(place), max(place) INTO lowest, highest
    FROM (SELECT place FROM countersign.${kind}_unnumbered ORDER BY place LIMIT ${rowsAtOnce}) waiting;`
}

/**
 * Numbers what is committed, a batch of it. A function, so that each connection plans it once; each of its statements sees what was committed before it began, so
 * those behind the lock see what the holder before has done. The audit rows' hash is that of `audit-chain.ts`, over the canonical JSON of the row, whose
 * first member is its number.
 */
export const sequenceFunctionText: string = `
CREATE FUNCTION countersign.number_committed(lock bigint, channel text, OUT newest bigint, OUT more boolean)
LANGUAGE plpgsql VOLATILE AS $function$
DECLARE
  lowest bigint;
  highest bigint;
  last bigint;
  head bigint;
  chain bytea;
  bodies text[];
  hashes bytea[];
BEGIN
  PERFORM pg_advisory_xact_lock(lock);
  ${nextRows('entry')}
  WITH taken AS (
    DELETE FROM countersign.entry_unnumbered WHERE place BETWEEN lowest AND highest
    RETURNING place, kind, id, below, "at", until
  ), numbered AS (
    INSERT INTO countersign.entry (number, kind, id, below, "at", until)
    SELECT before.number + row_number() OVER (ORDER BY taken.place), kind, id, below, "at", until
    FROM taken, (SELECT coalesce(max(number), 0) AS number FROM countersign.entry) before
    RETURNING number
  )
  SELECT max(number) INTO last FROM numbered;
  IF last IS NOT NULL THEN
    PERFORM pg_notify(channel, last::text);
  END IF;
  ${nextRows('audit')}
  WITH taken AS (
    DELETE FROM countersign.audit_unnumbered WHERE place BETWEEN lowest AND highest RETURNING place, body
  )
  SELECT array_agg(body ORDER BY place) INTO bodies FROM taken;
  IF bodies IS NOT NULL THEN
    SELECT number, hash INTO head, chain FROM countersign.audit ORDER BY number DESC LIMIT 1;
    head := coalesce(head, 0);
    chain := coalesce(chain, '');
    FOR place IN 1 .. cardinality(bodies) LOOP
      chain := sha256(chain || convert_to('{"number":' || head + place || ',' || bodies[place] || '}', 'UTF8'));
      hashes[place] := chain;
    END LOOP;
    INSERT INTO countersign.audit (number, body, hash)
    SELECT head + made.place, made.body, made.hash FROM unnest(bodies, hashes) WITH ORDINALITY AS made(body, hash, place);
  END IF;
  newest := coalesce((SELECT max(number) FROM countersign.entry), 0);
  more := (SELECT min(place) FROM countersign.entry_unnumbered) IS NOT NULL
    OR (SELECT min(place) FROM countersign.audit_unnumbered) IS NOT NULL;
END
$function$;
`

/** Whether something waits for its number. By the index, which skips what was numbered since the last vacuum. */
export function pendingText(kind: 'entry' | 'audit'): string {
  return `(SELECT min(place) FROM countersign.${kind}_unnumbered) IS NOT NULL`
}

/** One message to the server, which runs all of it or takes all of it back. Answers with one row: the newest entry's number, and whether it may have left some. */
export function sequenceText(schema: string, durableSetting: string): string {
  const channel = feedChannel(schema).replaceAll("'", "''")
  return inSchema(
    schema,
    `BEGIN ISOLATION LEVEL READ COMMITTED;
${durableSetting};
SELECT newest, more FROM countersign.number_committed(${lockNumber(schema, 'sequence')}, '${channel}');
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
