/** One step of the schema. Forward only: one that was released is never changed, the next one is added below. */
export interface Migration {
  readonly name: string
  /**
   * How many migrations a node must know to go on working once this one has run. A step that only adds (the rule, so that it can
   * run ahead of a deploy while older nodes serve) repeats the number of the step before.
   */
  readonly needs: number
  readonly text: string
}

/**
 * Numbers what is committed, a batch of it (sequencer.ts). A function, so that each connection plans it once; each of its statements sees what was committed before it
 * began, so those behind the lock see what the holder before has done. Where the next rows stand is asked of the index alone: what has gone since the last vacuum is
 * many times more. `locks` is what keeps it to one at a time; that no number is given twice, the tables' own keys see to. The audit rows' hash is that of `audit-chain.ts`, over the canonical JSON of the row, whose first member is its number.
 */
const numberCommitted = (create: string, locks: string): string => `
${create} FUNCTION countersign.number_committed(lock bigint, channel text, OUT newest bigint, OUT more boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
  rows_at_once CONSTANT integer := 1000;
  lowest bigint;
  last bigint;
  head bigint;
  chain bytea;
  bodies text[];
  hashes bytea[];
BEGIN
${locks}  lowest := (SELECT min(place) FROM countersign.entry_unnumbered);
  WITH taken AS (
    DELETE FROM countersign.entry_unnumbered WHERE place >= lowest AND place < lowest + rows_at_once
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
  lowest := (SELECT min(place) FROM countersign.audit_unnumbered);
  WITH taken AS (
    DELETE FROM countersign.audit_unnumbered WHERE place >= lowest AND place < lowest + rows_at_once RETURNING place, body
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

/*
 * A rotation changes one row of `family` and no index: what is indexed there never changes, and pages keep room for the
 * next version of their rows. No foreign keys: each would lock and write the row that it refers to, of which a client's is
 * the same for all logins. Times are milliseconds. JSON is kept as text: `jsonb` cannot hold all of it (a NUL), and nothing looks inside.
 */
export const migrations: readonly Migration[] = [
  {
    name: 'the beginning',
    needs: 1,
    text: `
CREATE TABLE countersign.issuer (one boolean PRIMARY KEY CHECK (one), version integer NOT NULL, body text NOT NULL);
CREATE TABLE countersign.key_ring (one boolean PRIMARY KEY CHECK (one), version integer NOT NULL, body text NOT NULL);
CREATE TABLE countersign.client (
  id text COLLATE "C" PRIMARY KEY, version integer NOT NULL, origin text COLLATE "C" NOT NULL, expires_at bigint,
  web_origins text[] NOT NULL, body text NOT NULL);
CREATE INDEX client_by_origin ON countersign.client (origin, id);
CREATE INDEX client_by_web_origin ON countersign.client USING gin (web_origins);
CREATE INDEX client_by_expiry ON countersign.client (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE countersign.user (
  id uuid PRIMARY KEY, created_at bigint NOT NULL, disabled_at bigint, deleted_at bigint, epoch bigint NOT NULL,
  version integer NOT NULL, email_verified_at bigint, email text, email_key text COLLATE "C" UNIQUE, name text, profile text, first_identity text, password_hash text,
  seal_salt bytea
) WITH (fillfactor = 90);
CREATE TABLE countersign.identity (
  connection text COLLATE "C" NOT NULL, subject text COLLATE "C" NOT NULL, user_id uuid NOT NULL, version integer NOT NULL,
  PRIMARY KEY (connection, subject));
CREATE TABLE countersign.session (
  id uuid PRIMARY KEY, user_id uuid NOT NULL, created_at bigint NOT NULL, authenticated_at bigint NOT NULL,
  absolute_end_at bigint NOT NULL, epoch_all bigint NOT NULL, epoch_user bigint, epoch_client bigint, epoch_grant bigint,
  ended_at bigint, version integer NOT NULL, client_id text COLLATE "C", amr text NOT NULL, device text NOT NULL,
  cookie_salt bytea, end_reason text
) WITH (fillfactor = 90);
CREATE INDEX session_of_user ON countersign.session (user_id);
CREATE TABLE countersign.family (
  id uuid PRIMARY KEY, session_id uuid NOT NULL, generation bigint NOT NULL, rotated_at bigint NOT NULL,
  created_at bigint NOT NULL, absolute_end_at bigint NOT NULL, epoch_all bigint NOT NULL, epoch_user bigint,
  epoch_client bigint, epoch_grant bigint, credit_spent_at bigint, flagged_at bigint, ended_at bigint,
  version integer NOT NULL, client_id text COLLATE "C" NOT NULL, salt bytea NOT NULL, jkt text, scope text NOT NULL,
  audiences text NOT NULL, claims text, authentication text, end_reason text
) WITH (fillfactor = 80);
CREATE INDEX family_of_session ON countersign.family (session_id);
CREATE TABLE countersign.user_grant (
  user_id uuid NOT NULL, created_at bigint NOT NULL, allowed_at bigint NOT NULL, withdrawn_at bigint, epoch bigint NOT NULL,
  version integer NOT NULL, client_id text COLLATE "C" NOT NULL, scopes text NOT NULL, audiences text NOT NULL,
  PRIMARY KEY (user_id, client_id)
) WITH (fillfactor = 90);
CREATE TABLE countersign.short_lived (
  kind text COLLATE "C" NOT NULL, hash text COLLATE "C" NOT NULL, expires_at bigint NOT NULL, due_at bigint, version integer NOT NULL,
  session_id uuid, client_id text COLLATE "C", family_id uuid, body text NOT NULL, PRIMARY KEY (hash, kind)
) WITH (fillfactor = 80);
CREATE INDEX short_lived_by_expiry ON countersign.short_lived (expires_at);
CREATE INDEX short_lived_by_due ON countersign.short_lived (kind, due_at) WHERE due_at IS NOT NULL;
CREATE TABLE countersign.entry (
  number bigint PRIMARY KEY, kind text NOT NULL, id text COLLATE "C" NOT NULL, below bigint, "at" bigint, until bigint NOT NULL);
CREATE INDEX entry_by_id ON countersign.entry (id);
CREATE TABLE countersign.audit (number bigint PRIMARY KEY, body text NOT NULL, hash bytea NOT NULL);
CREATE TABLE countersign.entry_unnumbered (
  place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, id text COLLATE "C" NOT NULL, below bigint,
  "at" bigint, until bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE TABLE countersign.audit_unnumbered (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL)
  WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
`,
  },
  {
    // Adds alone: what older nodes insert stands, and has version 1.
    name: 'identities that change',
    needs: 1,
    text: `
ALTER TABLE countersign.identity ADD COLUMN linked_at bigint NOT NULL DEFAULT 0, ADD COLUMN unlinked_at bigint,
  ADD COLUMN told text, ADD COLUMN sealed_tokens text;
UPDATE countersign.identity d SET linked_at = u.created_at FROM countersign.user u WHERE u.id = d.user_id;
CREATE INDEX identity_of_user ON countersign.identity (user_id);
`,
  },
  {
    name: 'rights of users',
    needs: 1,
    text: 'ALTER TABLE countersign.user ADD COLUMN rights text;',
  },
  {
    // Adds alone: older nodes number by a script of their own, under the same lock.
    name: 'numbers are given by a function',
    needs: 1,
    text: numberCommitted('CREATE', '  PERFORM pg_advisory_xact_lock(lock);\n'),
  },
  {
    // Adds alone: older nodes keep both times in `flagged_at`, and leave this one as it is.
    name: 'leaks are flagged by themselves',
    needs: 1,
    text: 'ALTER TABLE countersign.family ADD COLUMN leaked_at bigint;',
  },
  {
    /*
     * Adds alone. A lock of the whole database can be held by anybody who may connect; nobody else can lock this table. Nodes that call the function have the new one at
     * once; those that number by a script hold the old lock for a moment, and no longer is it waited for. Whoever may work on the tables by grants that were given before
     * gets the same on this one: else the function, which runs with its caller's rights, would fail for nodes that were started long ago.
     */
    name: 'numbers are given under a lock of the own',
    needs: 1,
    text: `
CREATE TABLE countersign.numbering ();
DO $step$ DECLARE
  given record;
BEGIN
  FOR given IN
    SELECT n.nspname, a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS role
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) a
    WHERE c.reltype = pg_catalog.pg_typeof(NULL::countersign.entry_unnumbered)
  LOOP
    EXECUTE pg_catalog.format('GRANT %s ON TABLE %I.numbering TO %s', given.privilege_type, given.nspname, given.role);
  END LOOP;
END $step$;
${numberCommitted(
  'CREATE OR REPLACE',
  `  LOCK TABLE countersign.numbering IN EXCLUSIVE MODE;
  FOR tries IN 1 .. 25 LOOP
    EXIT WHEN pg_try_advisory_xact_lock(lock);
    PERFORM pg_sleep(0.002);
  END LOOP;
`,
)}`,
  },
]
