import { AsyncLocalStorage } from 'node:async_hooks'
import { writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { DatabaseSync, StatementSync } from 'node:sqlite'

/*
 * Loaded into a real server (`--import`), so that a test can break the world at an exact place. Nothing of the server's own
 * code is changed: Node's database, file and HTTP classes are wrapped. A request asks for a fault by its header `fault`:
 *
 *   kill-at 7      every step that is taken for this request counts, and at the seventh the process kills itself (SIGKILL).
 *                  Nothing reaches the disk between a statement's end and the next one's, so one place between two statements
 *                  is enough. What the server does by itself meanwhile, every ten seconds, is nobody's step
 *   disk-full      the database may not grow by another page: SQLite itself answers SQLITE_FULL
 *   disk-free      it may grow again
 *   sync-hold      syncs of the log begin and do not end
 *   sync-release   … until now
 *   sync-fail      the next one fails, as with a broken disk
 *   clock-ahead 5000   its clock goes forward by so many milliseconds
 *
 * And with FAULT_SLOW_SINCE (milliseconds since 1970) in the environment its clock has gone a hundred times slower since then: what a rule
 * allows for ten seconds is then not a question of how fast this machine starts a server.
 */

// As the command does it (`tools/bundle-command.ts`): an import would cost each of some hundred starts a tenth.
const http = process.getBuiltinModule('node:http')

const slowSince = Number(process.env.FAULT_SLOW_SINCE)
if (slowSince > 0) {
  const realNow = Date.now
  Date.now = () => Math.floor(slowSince + (realNow() - slowSince) / 100)
}

let aheadMs = 0
const clock = Date.now
Date.now = () => clock() + aheadMs

let stepsLeft = 0
const counted = new AsyncLocalStorage<true>()
let database: DatabaseSync | undefined
let heldSyncs: (() => void)[] | undefined
let nextSyncFails = false

const faults: Readonly<Record<string, (argument: number) => void>> = {
  'kill-at': steps => {
    stepsLeft = steps
  },
  'disk-full': () => database?.exec('PRAGMA max_page_count = 1'),
  'disk-free': () => database?.exec('PRAGMA max_page_count = 4294967294'),
  'sync-hold': () => {
    heldSyncs = []
  },
  'sync-release': () => {
    const released = heldSyncs ?? []
    heldSyncs = undefined
    for (const release of released) release()
  },
  'sync-fail': () => {
    nextSyncFails = true
  },
  'clock-ahead': milliseconds => {
    aheadMs += milliseconds
  },
}

/** A place where the process can die. What it is called goes to standard error, for whoever reads a failed test. */
function step(name: string): void {
  if (stepsLeft === 0 || !counted.getStore()) return
  stepsLeft -= 1
  if (stepsLeft > 0) return
  writeSync(2, `killed ${name}\n`)
  process.kill(process.pid, 'SIGKILL')
}

const emit = http.Server.prototype.emit
http.Server.prototype.emit = function (this: Server, event: string | symbol, ...values: unknown[]): boolean {
  const goOn = (): boolean => (emit as (...all: unknown[]) => boolean).call(this, event, ...values)
  const fault = event === 'request' ? (values[0] as IncomingMessage).headers.fault?.toString() : undefined
  if (fault === undefined) return goOn()
  const [name = '', argument] = fault.split(' ')
  faults[name]?.(Number(argument))
  return counted.run(true, () => {
    step('before the request is read')
    return goOn()
  })
} as typeof emit

const words = /INSERT INTO \w+|\w+ \w+|\w+/
const run = StatementSync.prototype.run
StatementSync.prototype.run = function (this: StatementSync, ...values: Parameters<typeof run>) {
  const result = run.apply(this, values)
  step(`after ${words.exec(this.sourceSQL.replace(' OR IGNORE', ''))?.[0]}`)
  return result
} as typeof run

const prepare = DatabaseSync.prototype.prepare
DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...values: Parameters<typeof prepare>) {
  if (/^\s*INSERT INTO family/i.test(values[0])) database = this
  return prepare.apply(this, values)
}

const probe = await open(import.meta.filename)
const fileMethods = Object.getPrototypeOf(probe) as { datasync(): Promise<void> }
await probe.close()
const datasync = fileMethods.datasync
fileMethods.datasync = async function (this: typeof probe): Promise<void> {
  step('before the log is synced')
  if (heldSyncs !== undefined) await new Promise<void>(release => heldSyncs?.push(release))
  if (nextSyncFails) {
    nextSyncFails = false
    throw Object.assign(new Error('i/o error'), { code: 'EIO' })
  }
  await datasync.call(this)
  step('after the log is synced')
}

const end = http.ServerResponse.prototype.end
http.ServerResponse.prototype.end = function (this: ServerResponse, ...values: unknown[]): ServerResponse {
  step('before the answer is sent')
  const result = (end as (...all: unknown[]) => ServerResponse).apply(this, values)
  step('after the answer is sent')
  return result
} as typeof end
