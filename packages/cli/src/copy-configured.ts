import { randomBytes } from 'node:crypto'
import type { Configuration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { copyStore } from './copy-store.ts'
import { postgresOptions } from './open-store.ts'

/** The command `copy`: says on standard error how far it is, a line for each table, the last number being that of all. */
export async function copyConfigured(configuration: Configuration, from?: string): Promise<void> {
  const to = postgresOptions(configuration)
  if (to === undefined) throw new WrongConfiguration('There is no database to copy to; give --to.')
  let said = ''
  await copyStore({
    from: from ?? `sqlite:${configuration.data}`,
    to,
    clock: Date.now,
    newIncarnation: () => randomBytes(8).toString('hex'),
    progress(table, done, of) {
      const line = `${table} ${done} of ${of}`
      process.stderr.write(`${said.startsWith(`${table} `) ? '\r' : said && '\n'}${line}`)
      said = line
    },
  })
  process.stderr.write('\n')
}
