import { StoreUnavailable } from '@countersign/store'
import pg from 'pg'

/** SQLSTATE classes: what was to be written was wrong, the world is well. */
const ownFaultClasses = ['22', '23']

/** By SQLSTATE, or by its class. */
const texts: Readonly<Record<string, string>> = {
  '08': 'the connection to the database was lost',
  '25006': 'the database is read-only: a standby, or a primary that was fenced off',
  '25P03': 'the database ended a transaction that took too long',
  '26': 'a named statement is not there: behind a pooler in transaction mode, do without them',
  '28': 'the database refuses the login',
  '3D000': 'there is no such database',
  '40': 'the database could not put simultaneous changes in an order',
  '42501': 'the database role may not do what is needed',
  '42P05': 'a named statement is there already: behind a pooler in transaction mode, do without them',
  '42P01': 'tables are missing: run countersign migrate',
  '53': 'the database is out of disk, memory or connections',
  '53100': 'the disk of the database is full',
  '53300': 'the database has no connection left',
  '55P03': 'the database did not give a lock in time',
  '57': 'the database is stopping or starting',
  '57014': 'the database took too long',
  '58': 'the disk of the database failed',
}

/** What the driver threw, kept apart from what callers throw in the middle of a transaction. */
export class DriverFailure extends Error {
  override readonly name = 'DriverFailure'
}

/** Waits for the driver and marks what it throws. */
export async function marked<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (cause) {
    throw cause instanceof DriverFailure ? cause : new DriverFailure('the driver failed', { cause })
  }
}

/** None of the hosts is a primary, as far as is known. */
export class StandbyMet extends Error {
  override readonly name = 'StandbyMet'
  constructor() {
    super('the database is a standby; decisions need the primary')
  }
}

/** `channel_binding=require`, and nothing was bound. */
export class ChannelBindingMissing extends Error {
  override readonly name = 'ChannelBindingMissing'
  constructor() {
    super(
      'the database lets in without channel binding, which channel_binding=require forbids: it must want SCRAM, over TLS, with nobody in between who ends it',
    )
  }
}

function sqlStateOf(error: unknown): string | undefined {
  const cause = error instanceof DriverFailure ? error.cause : undefined
  return cause instanceof pg.DatabaseError ? cause.code : undefined
}

/** Nothing of it was applied, and it can be tried again at once: a deadlock or a serialization failure. */
export function canBeRepeated(error: unknown): boolean {
  const state = sqlStateOf(error)
  return state === '40001' || state === '40P01'
}

/** Two who took one name at the same time. */
export function isUniqueViolation(error: unknown): boolean {
  return sqlStateOf(error) === '23505'
}

/** What is to be made is there: somebody else has made it since it was looked for. A table, a column, a function, a schema, a constraint, a key. */
const thereAlready = ['42P07', '42701', '42723', '42P06', '42710', '23505']

/** The state of a failure that says so. */
export function thereAlreadyState(error: unknown): string | undefined {
  const state = sqlStateOf(error)
  return state !== undefined && thereAlready.includes(state) ? state : undefined
}

/** True if the connection can be used on: the failure is not the driver's, or the database answered and goes on doing so. */
export function leavesConnectionWhole(error: unknown): boolean {
  if (!(error instanceof DriverFailure)) return true
  const state = sqlStateOf(error)
  return state !== undefined && !state.startsWith('08') && !state.startsWith('57P') && state !== '25P03'
}

/** Somebody held a lock for longer than it was waited for. */
export class LockNotGiven extends StoreUnavailable {}

/**
 * A failure of the driver as the port wants it: the outside world broke (`StoreUnavailable`), or what was to be written was wrong
 * (a `TypeError`). Neither says what was written: the database's own texts quote rows. Anything else stays what it is.
 */
export function translated(error: unknown): unknown {
  if (!(error instanceof DriverFailure)) return error
  const state = sqlStateOf(error)
  if (state === undefined) return new StoreUnavailable(unreachable(error.cause))
  if (ownFaultClasses.includes(state.slice(0, 2)))
    return new TypeError(`the database cannot store this (SQLSTATE ${state})`)
  if (state === '55P03') return new LockNotGiven(`${texts[state]} (SQLSTATE ${state})`)
  const text = texts[state] ?? texts[state.slice(0, 2)] ?? 'the database failed'
  return new StoreUnavailable(`${text} (SQLSTATE ${state})`)
}

/** How the driver says what an operator can mend. */
const ownWords: readonly (readonly [RegExp, string])[] = [
  [/^The server does not support SSL/, 'the database does not speak TLS, and its URL wants it'],
  [/^SASL: .*password must be/, 'the database wants a password, and its URL has none'],
  [/^SASL channel binding: /, "channel_binding is not possible with the certificate of the database's server"],
  [/^SASL: .*(nonce|signature)/, 'the database does not know the password that it wants: somebody else answers'],
]

/** What the driver or the network says; the driver has no codes for its own. */
function unreachable(error: unknown): string {
  if (error instanceof StandbyMet || error instanceof ChannelBindingMissing) return error.message
  const { code, message = '' } = error as { code?: unknown; message?: string }
  if (/exceeded when trying to connect/.test(message)) return 'no connection to the database became free in time'
  if (/timeout/i.test(message)) return 'the database did not answer in time'
  const said = ownWords.find(([pattern]) => pattern.test(message))?.[1]
  if (said !== undefined) return said
  return typeof code === 'string'
    ? `the database cannot be reached (${code})`
    : 'the connection to the database was lost'
}
