import pg from 'pg'
import { ask, streamOf } from './ask.ts'
import type { Row } from './columns.ts'
import { openHosts } from './hosts.ts'
import { canBeRepeated, DriverFailure, leavesConnectionWhole, marked, translated } from './postgres-failure.ts'
import type { Statement } from './statements.ts'

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`; several hosts, with commas between them: whichever is the primary. */
  readonly url: string
  /** Connections at most. */
  readonly connections: number
  /** False behind a pooler that hands connections round between transactions and knows no named statements. */
  readonly namedStatements: boolean
  /** How long one statement, or a connection to become free, is waited for. */
  readonly patienceMs: number
}

/** Runs statements; what the driver throws comes out as `DriverFailure` inside a transaction, translated outside. */
export interface Transaction {
  readonly query: (statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>
  /** Plain SQL, several statements if need be; answers with the rows of the last that has any. */
  readonly script: (text: string) => Promise<readonly Row[]>
  /** As `script`, however long it takes. Of the server's own limits, it sets what it needs. */
  readonly longScript: (text: string) => Promise<readonly Row[]>
}

/** What a transaction has come to, once no more is to be decided in it. */
export interface Outcome<T> {
  readonly value: T
  /** What was sent last. COMMIT goes right behind it: should it fail, the database takes all back. */
  readonly sent?: Promise<unknown>
}

type Body<T> = (transaction: Transaction) => Promise<Outcome<T> | undefined>

export interface Database extends Omit<Transaction, 'longScript'> {
  /**
   * `begin` is plain SQL that begins with BEGIN. It is not waited for: `body` sends its first statements right behind it.
   * `undefined` from `body` takes all back. Deadlocks and serialization failures are tried again, a few times.
   */
  readonly transaction: <T>(begin: string, body: Body<T>) => Promise<T | undefined>
  readonly close: () => Promise<void>
}

const triesAtMost = 4

/**
 * Names without a schema are PostgreSQL's own. Else whoever may make functions in a schema that is searched (`public`, where a database is older or shared) could make one
 * that fits our call better than PostgreSQL's, which then runs with our rights (CVE-2018-1058).
 */
const searchNowhere = 'SET search_path TO pg_catalog, pg_temp'

/**
 * The server gives up, too, what its node has given up: else what waits for a lock would stand there for as long as somebody holds it, with a connection that no pool
 * counts any more, and be done when nobody expects it. A lock is waited for a little less long, so that it is the server that says so, on a connection that stays.
 * Not as parameters of the connection: poolers refuse those.
 */
export function limitsText(patienceMs: number, lasting: 'SESSION' | 'LOCAL'): string {
  const [whole, lock] = [Math.ceil(patienceMs), Math.ceil(patienceMs * 0.8)]
  return `SET ${lasting} statement_timeout = ${whole}; SET ${lasting} lock_timeout = ${lock}`
}

const bigintOid = 20

/** Times and counters are far below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text') =>
    oid === bigintOid ? Number : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
}

/** An option that the driver knows and its types do not: statements go out without waiting for the one before. */
interface PoolOptions extends pg.PoolConfig {
  readonly pipeline: boolean
  readonly Client: typeof pg.Client
}

export function openDatabase({ url, connections, namedStatements, patienceMs }: DatabaseOptions): Database {
  const hosts = openHosts(url, patienceMs)
  const poolOptions: PoolOptions = {
    Client: hosts.Client,
    async onConnect(client) {
      await hosts.onConnect(client)
      const text = `${searchNowhere}; ${limitsText(patienceMs, 'SESSION')}`
      await ask(client, patienceMs, { text, rowMode: 'array' })
    },
    max: connections,
    connectionTimeoutMillis: patienceMs,
    application_name: 'countersign',
    pipeline: true,
    types,
  }
  const pool = new pg.Pool(poolOptions)
  // A connection that breaks while nobody uses it: the pool drops it, and the next one is new.
  pool.on('error', () => {})

  function on(client: pg.PoolClient, beforeSending = (): void => {}): Transaction {
    return {
      async query({ name, text }, values) {
        const config = { text, values: [...values], rowMode: 'array' as const }
        beforeSending()
        return rowsOf(await ask(client, patienceMs, namedStatements ? { ...config, name } : config))
      },
      async script(text) {
        beforeSending()
        return rowsOf(await ask(client, patienceMs, { text, rowMode: 'array' }))
      },
      async longScript(text) {
        beforeSending()
        return rowsOf(await ask(client, undefined, { text, rowMode: 'array' }))
      },
    }
  }

  /** To the primary: what leads to another host since one was found is not used any more. */
  async function connect(): Promise<pg.PoolClient> {
    for (let tries = 1; ; tries++) {
      try {
        const client = await pool.connect()
        if (!hosts.isLeft(client)) return client
        client.release(true)
        tries--
      } catch (error) {
        if (tries >= hosts.count) throw error
      }
    }
  }

  /** With a connection of its own; one that broke does not go back to the pool. */
  async function withConnection<T>(use: (transaction: Transaction, client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await marked(connect())
    let whole = true
    try {
      return await use(on(client), client)
    } catch (error) {
      whole = leavesConnectionWhole(error)
      throw error
    } finally {
      client.release(!whole)
    }
  }

  /** Not waiting for what was sent before; why that failed says more than that the transaction was rolled back. */
  async function commitBehind(sent: Promise<unknown> | undefined, client: pg.PoolClient): Promise<void> {
    const committed = commitOn(client)
    committed.catch(() => {})
    await sent
    await committed
  }

  /** A transaction in which something failed is rolled back by COMMIT too, and says so by its answer alone. */
  async function commitOn(client: pg.PoolClient): Promise<void> {
    const { command } = await ask(client, patienceMs, { text: 'COMMIT', rowMode: 'array' })
    if (command !== 'COMMIT') throw new DriverFailure('the transaction was rolled back')
  }

  function transactionOnce<T>(begin: string, body: Body<T>): Promise<T | undefined> {
    return withConnection(async (_alone, client) => {
      const transaction = on(client, () => holdUntilTurnEnds(client))
      const begun = transaction.script(`${begin}; ${limitsText(patienceMs, 'LOCAL')}`)
      // If it fails, what is sent behind it fails too; whoever is waited for first tells.
      begun.catch(() => {})
      try {
        const outcome = await body(transaction)
        await begun
        if (outcome === undefined) await transaction.script('ROLLBACK')
        else await commitBehind(outcome.sent, client)
        return outcome?.value
      } catch (error) {
        if (leavesConnectionWhole(error)) await transaction.script('ROLLBACK')
        throw error
      }
    })
  }

  async function translating<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw translated(error)
    }
  }

  async function repeating<T>(run: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await run()
      } catch (error) {
        if (tries >= triesAtMost || !canBeRepeated(error)) throw error
      }
    }
  }

  return {
    query: (statement, values) =>
      translating(() => repeating(() => withConnection(one => one.query(statement, values)))),
    script: text => translating(() => withConnection(one => scriptOn(one, text))),
    transaction: (begin, body) => translating(() => repeating(() => transactionOnce(begin, body))),
    close: () => pool.end(),
  }
}

/** What is sent in this turn goes out in one piece: the server wakes up once for it, and not for every statement. */
function holdUntilTurnEnds(client: pg.PoolClient): void {
  const stream = streamOf(client)
  stream.cork()
  process.nextTick(() => stream.uncork())
}

/** A script that fails in the middle of its own transaction leaves it open. */
async function scriptOn(connection: Transaction, text: string): Promise<readonly Row[]> {
  try {
    return await connection.script(text)
  } catch (error) {
    if (leavesConnectionWhole(error)) await connection.script('ROLLBACK')
    throw error
  }
}

/** Several statements have several answers. */
function rowsOf(answer: pg.QueryArrayResult | readonly pg.QueryArrayResult[]): readonly Row[] {
  const answers = Array.isArray(answer) ? (answer as readonly pg.QueryArrayResult[]) : [answer as pg.QueryArrayResult]
  return (answers.findLast(({ fields }) => fields.length > 0)?.rows ?? []) as Row[]
}
