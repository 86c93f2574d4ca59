import { writeSync } from 'node:fs'
import { endLogin } from '@countersign/core'
import * as given from '@countersign/store/given'
import { openSqliteStore } from './open-sqlite-store.ts'

/*
 * For the tests: writes to a store until it is killed, and says each thing once it was acknowledged.
 */
const [file = '', hands = '8'] = process.argv.slice(2)
const clock = given.clock()
try {
  const store = await openSqliteStore({ ...given.storeOptions(clock), file, checkpointFrames: 200 })
  const client = await given.client(store)
  say('open')
  await Promise.all(Array.from({ length: Number(hands) }, work))

  async function work(): Promise<never> {
    for (;;) {
      clock.advance(0.01)
      const user = await given.user(store)
      const first = await given.login(store, { user, client })
      say(`login ${first.family.id}`)
      const second = await given.login(store, { user, client })
      say(`login ${second.family.id}`)
      await given.redeem(store, given.token(first.family, 3))
      const snapshot = await store.loadFamily(second.family.id)
      const end = snapshot && endLogin(snapshot, 'signed_out', { device: given.device })
      if (end && (await store.commit(end)) === 'committed') say(`ended ${second.family.id}`)
    }
  }
} catch (error) {
  say(`${(error as Error).name}: ${(error as Error).message}`)
}

function say(line: string): void {
  // At once: a line that lies in a buffer would be lost with the process.
  writeSync(1, `${line}\n`)
}
