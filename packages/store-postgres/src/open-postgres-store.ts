import { accessSync, constants } from 'node:fs'
import type { Instant } from '@countersign/core'
import { type Store, type StoreOptions, StoreUnavailable } from '@countersign/store'
import { openApplyChange } from './apply-change.ts'
import { openAuditLog } from './audit-log.ts'
import { openClockWatch } from './clock-watch.ts'
import { type Database, openDatabase } from './database.ts'
import { faultOfDatabaseUrl, faultOfListenUrl, settingsOf } from './database-url.ts'
import { openFeed } from './feed.ts'
import { type AuditImport, openAuditImport } from './import-audit.ts'
import { firstIssuer, firstKeyRing } from './issuer.ts'
import { startListener } from './listener.ts'
import { type MigrationPlan, migrate, planMigration } from './migrate.ts'
import { createPostgresStore } from './postgres-store.ts'
import { openReads } from './reads.ts'
import { openRotations } from './rotations.ts'
import { createSequencer, feedChannel, sequenceText } from './sequencer.ts'
import { inSchema, quotedName, statementsIn } from './statements.ts'
import { openSweep } from './sweep.ts'
import { type Every, everyInterval, nextTurn, systemClock } from './timers.ts'

/** Where the database is, and how it is reached. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; with `?sslmode=verify-full&sslrootcert=…` over TLS. */
  readonly url: string
  /** The schema that holds everything; made if it is missing. Default: `countersign`. */
  readonly schema?: string
  /** Connections of this node at most, besides the one that listens. Default: 10. */
  readonly connections?: number
  /** False behind a pooler in transaction mode that knows no named statements (PgBouncer before 1.21). Default: true. */
  readonly namedStatements?: boolean
  /** How long one statement, or a connection to become free, is waited for. Default: 5,000. */
  readonly patienceMs?: number
}

export interface PostgresStoreOptions extends PostgresOptions, Omit<StoreOptions, 'clock'> {
  /** The store's clock, for tests. Default: the database's, so that all nodes have one. */
  readonly clock?: StoreOptions['clock']
  /** The node's clock, which the database's must not be far from. Default: the process's. */
  readonly nodeClock?: () => Instant
  /** Told at each look how far the database's clock is ahead of the node's, and whether that is too far to answer. */
  readonly onClock?: (aheadMs: number, isWrong: boolean) => void
  /** Told after each look at the feed why it failed, if it did: what is committed may lack its number then, and followers do not hear of it. */
  readonly onLook?: (failure: Error | undefined) => void
  /**
   * Where this node listens for new entries: a direct connection, past any pooler. Default: `url`; null: it does not
   * listen, and looks twice a second.
   */
  readonly listenUrl?: string | null
  /** Whoever copies another store here opens it although its copy is not finished. */
  readonly forCopy?: boolean
  readonly every?: Every
}

const lookEveryMs = 500

/** Opens the store on a PostgreSQL database (15 and up, UTF-8) and migrates it if need be. Any number of nodes may. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  if (typeof options.listenUrl === 'string') checkUrl(options.listenUrl, 'the URL to listen at', faultOfListenUrl)
  const database = openPool(options)
  try {
    return await openOn(database, options)
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Brings the database to this version's schema ahead of a deploy; `dryRun`: only says what it would run. */
export async function migratePostgres(options: PostgresOptions, dryRun = false): Promise<MigrationPlan> {
  const database = openPool({ ...options, connections: 1 })
  try {
    await checkServer(database)
    return await (dryRun ? planMigration : migrate)(database, options.schema ?? defaultSchema)
  } finally {
    await database.close()
  }
}

/** For a database that another store is copied to: its audit rows go past the port, which would number and chain them anew. */
export function importAuditInto(options: PostgresOptions): AuditImport {
  return openAuditImport(openPool({ ...options, connections: 2 }), options.schema ?? defaultSchema)
}

const defaultSchema = 'countersign'

function openPool({ url, connections = 10, namedStatements = true, patienceMs = 5_000 }: PostgresOptions): Database {
  checkUrl(url, "the database's URL")
  return openDatabase({ url, connections, namedStatements: namedStatements && !settingsOf(url).isPooled, patienceMs })
}

/** Refused before anybody is told a password. */
function checkUrl(url: string, name: string, faultOf = faultOfDatabaseUrl): void {
  const fault = faultOf(url)
  if (fault !== undefined) throw new StoreUnavailable(`${name} ${fault}`)
  for (const [parameter, path] of settingsOf(url).files) {
    try {
      accessSync(path, constants.R_OK)
    } catch (error) {
      const { code } = error as { code?: string }
      throw new StoreUnavailable(`${parameter} in ${name} names a file that cannot be read (${code}): ${path}`)
    }
  }
}

async function openOn(database: Database, options: PostgresStoreOptions): Promise<Store> {
  const { schema = defaultSchema, every = everyInterval, patienceMs = 5_000 } = options
  await checkServer(database)
  await migrate(database, schema)
  const incarnation = await seed(database, schema, options.seed.incarnation)
  if (options.forCopy !== true) await refuseUnfinishedCopy(database, schema)
  const statement = statementsIn(schema)
  const clock = (): number | null => options.clock?.() ?? null
  const watch = openClockWatch(options.clock ? undefined : (options.nodeClock ?? systemClock), options.onClock)
  let lost: StoreUnavailable | undefined

  const script = sequenceText(schema, patienceMs)
  const sequence = createSequencer({
    async pass() {
      const [row] = await database.script(script)
      return { newest: row?.[0] as number, more: row?.[1] === true }
    },
    noticed: newest => feed.noticed(newest),
  })
  const feed = openFeed({
    database,
    statement,
    clock,
    watch,
    every,
    incarnation,
    sequence,
    onOtherHistory(how) {
      if (lost !== undefined) return lost
      lost = new StoreUnavailable(`the database ${how}; this node must be started again`)
      options.onLost?.(lost)
      return lost
    },
  })
  await feed.look()
  // Also if nothing waits for its number: a node that may not give any (a grant is missing) must not start, since its revocations would reach nobody.
  await sequence()
  const stop = keepLooking({
    feed,
    every,
    patienceMs,
    channel: feedChannel(schema),
    url: listenUrlOf(options),
    onLook: options.onLook ?? (() => {}),
  })

  return createPostgresStore({
    reads: openReads(database, statement, clock, watch),
    apply: openApplyChange({ database, statement, sealPersonal: options.sealPersonal }),
    rotate: openRotations(database, statement),
    feed,
    sequence,
    audit: openAuditLog(database, statement, sequence),
    sweep: openSweep(database, statement, feed),
    failure: () => lost,
    nextTurn,
    async close() {
      await stop()
      await database.close()
    },
  })
}

/** Past any pooler; a pooler in transaction mode forgets who listens. */
function listenUrlOf({ url, listenUrl = settingsOf(url).isPooled ? null : url }: PostgresStoreOptions): string | null {
  return listenUrl
}

/** Looks at the feed when messages may have been missed, and twice a second. A look that fails is made up for by the next. */
function keepLooking(options: {
  feed: { look: () => Promise<void>; told: (number: number) => void }
  every: Every
  patienceMs: number
  channel: string
  url: string | null
  onLook: (failure: Error | undefined) => void
}): () => Promise<void> {
  const { feed, every, patienceMs, channel, url, onLook } = options
  let looking: Promise<void> | undefined
  let again = false
  let stopped = false

  /** What is said during a look may have come too late for it. */
  async function lookUntilSeen(): Promise<void> {
    do {
      again = false
      await feed.look().then(() => onLook(undefined), onLook)
    } while (again && !stopped)
    looking = undefined
  }

  const look = (): void => {
    again = looking !== undefined
    looking ??= lookUntilSeen()
  }
  const heard = (number: number | undefined): void => (number === undefined ? look() : feed.told(number))
  const stopListening = url === null ? undefined : startListener({ url, channel, every, patienceMs, heard })
  const stopLooking = every(lookEveryMs, look)
  return async () => {
    stopped = true
    stopLooking()
    await Promise.all([stopListening?.(), looking])
  }
}

/** What must be so of the server. */
async function checkServer(database: Database): Promise<void> {
  const [row] = await database.script(
    "SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')",
  )
  const [version, encoding] = row ?? []
  if ((version as number) < 150_000) throw new StoreUnavailable('PostgreSQL 15 or later is needed')
  if (encoding !== 'UTF8') throw new StoreUnavailable(`the database must be in UTF8, not ${encoding as string}`)
}

/** It looks like a store, and lacks what the copy had not come to. */
async function refuseUnfinishedCopy(database: Database, schema: string): Promise<void> {
  const [row] = await database.script(inSchema(schema, "SELECT body::json->>'unfinishedCopy' FROM countersign.issuer"))
  if (row?.[0] === 'true') throw new StoreUnavailable(unfinishedCopy(schema))
}

/** What to say of a copy that has begun and not ended. */
export function unfinishedCopy(schema: string = defaultSchema): string {
  return `a copy to this database is not finished: it goes on still, or was broken off. If it was, drop the schema (DROP SCHEMA ${quotedName(schema)} CASCADE) and copy again`
}

/** What a new store begins with; whoever is first. Answers with the history that the database holds. */
async function seed(database: Database, schema: string, incarnation: string): Promise<string> {
  const put = (table: string): ReturnType<ReturnType<typeof statementsIn>> =>
    statementsIn(schema)(
      `INSERT INTO countersign.${table} (one, version, body) VALUES (true, 1, $1) ON CONFLICT DO NOTHING`,
    )
  const [issuer] = await database.script(inSchema(schema, 'SELECT body FROM countersign.issuer'))
  if (issuer === undefined) {
    await database.query(put('key_ring'), [JSON.stringify(firstKeyRing)])
    await database.query(put('issuer'), [JSON.stringify(firstIssuer(incarnation))])
  }
  const [stored] = await database.script(inSchema(schema, "SELECT body::json->>'incarnation' FROM countersign.issuer"))
  return stored?.[0] as string
}
