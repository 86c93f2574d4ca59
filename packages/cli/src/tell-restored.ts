import { randomBytes } from 'node:crypto'
import { isRefusal } from '@countersign/protocol'
import { openStopped } from './administer.ts'
import type { Configuration } from './configuration.ts'
import { openDataFolder } from './data-folder.ts'
import { createPasswordSeal, readJournal } from './journal-file.ts'
import { readMasterKey } from './master-key.ts'

/** The command `restored`: prints how many revocations the backup did not know. */
export async function tellRestored(configuration: Configuration, journals: readonly string[]): Promise<void> {
  const records = journals.flatMap(readJournal)
  const master = readMasterKey(openDataFolder(configuration.data), {
    environment: process.env.COUNTERSIGN_MASTER_KEY,
    command: configuration.master_key_command,
  })
  // What is replayed stands in a journal already.
  const system = await openStopped({ ...configuration, revocation_journal: undefined })
  try {
    const passwords = createPasswordSeal(master.key, randomBytes)
    const result = await system.server.admin.afterRestore(records, {
      incarnation: randomBytes(8).toString('hex'),
      openPassword: passwords.open,
    })
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
    if (isRefusal(result)) process.exitCode = 1
  } finally {
    await system.close()
  }
}
