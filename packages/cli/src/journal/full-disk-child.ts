import { execFileSync } from 'node:child_process'
import { endSession, type Session } from '@countersign/core'
import { createMemoryStore, StoreUnavailable } from '@countersign/store'
import * as given from '@countersign/store/given'
import { withJournal } from './with-journal.ts'

/* Ends sessions, in a process whose files may not grow beyond a limit, until the journal takes no more; then is given room. Says what became of each. */

const [path = ''] = process.argv.slice(2)
const clock = given.clock()
const log = { info() {}, warn() {}, error() {} }
const store = await withJournal(createMemoryStore(given.storeOptions(clock)), {
  path,
  master: Buffer.alloc(32, 5),
  issuer: 'https://login.example',
  log,
})

async function end(session: Session): Promise<'ended' | 'refused'> {
  const snapshot = await store.loadSessionOnly(session.id)
  const change = snapshot && endSession(snapshot, 'signed_out')
  if (change === undefined) throw new Error('it has ended already')
  try {
    await store.commit(change)
    return 'ended'
  } catch (error) {
    if (error instanceof StoreUnavailable) return 'refused'
    throw error
  }
}

const say = (what: string, { id }: Session): void => void process.stdout.write(`${what} ${id}\n`)

let { session } = await given.login(store)
for (let outcome = await end(session); outcome === 'ended'; outcome = await end(session)) {
  say(outcome, session)
  session = (await given.login(store)).session
}
// Not ended meanwhile, or this would throw.
for (let times = 0; times < 3; times++) say(await end(session), session)
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited'])
say(await end(session), session)
const { session: later } = await given.login(store)
say(await end(later), later)
await store.close()
