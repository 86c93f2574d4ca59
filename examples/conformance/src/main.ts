import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Configuration, endOnSignal, explain, readConfiguration, serve } from '@countersign/cli'
import { describePerson, person } from './person.ts'

const file = join(import.meta.dirname, '../countersign.json')
const writtenBase = 'https://localhost.emobix.co.uk:8443/test/a/countersign'

/** The file beside this folder, with the addresses of a suite that runs elsewhere or under another alias. Whatever else differs: `COUNTERSIGN_…`. */
function configurationFor(environment: NodeJS.ProcessEnv): Configuration {
  const { SUITE = 'https://localhost.emobix.co.uk:8443', ALIAS = 'countersign' } = environment
  const text = readFileSync(file, 'utf8').replaceAll(writtenBase, `${SUITE}/test/a/${ALIAS}`)
  const { clients } = JSON.parse(text) as { clients: unknown }
  return readConfiguration({
    file,
    environment: { COUNTERSIGN_CLIENTS: JSON.stringify(clients), ...environment },
    flags: {},
  })
}

try {
  const system = await serve(configurationFor(process.env), { masterKey: process.env.COUNTERSIGN_MASTER_KEY })
  endOnSignal(system.close)
  await describePerson(system)
  process.stdout.write(`Countersign is ready for the suite at ${system.issuer}\nThe user: ${person.email}\n`)
} catch (error) {
  process.stderr.write(`countersign: ${explain(error)}\n`)
  process.exit(1)
}
