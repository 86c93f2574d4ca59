import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configuration, graceSeconds, logIn, refresh, revoke, signUp } from './testing/app-install.ts'
import { givenInstallation, type Installation, startServer } from './testing/server-process.ts'
import { createWitness, type Witness } from './testing/witness.ts'

/*
 * The judges of the real server's history are those of the simulation. Here it is checked that they would see something.
 */

let installed: Installation
let witness: Witness

beforeAll(async () => {
  witness = createWitness()
  installed = await givenInstallation(configuration)
  const server = await startServer(installed, { observed: true })
  await signUp(installed.issuer)
  const install = await logIn(installed.issuer)
  for (let times = 0; times < 4; times++) expect((await refresh(installed.issuer, install))?.status).toBe(200)
  const other = await logIn(installed.issuer)
  expect((await revoke(installed.issuer, other))?.status).toBe(200)
  expect((await refresh(installed.issuer, other))?.status).toBe(400)
  await server.end('SIGTERM')
})
afterAll(() => installed.remove())

/** What the judges say once a part of the history is changed; it is put back afterwards. */
async function saidAfter(change: string): Promise<string[]> {
  const database = new DatabaseSync(join(installed.dataFolder, 'countersign.sqlite'))
  database.exec('DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM observed')
  database.exec(change)
  const said = await witness.violations(installed.dataFolder, graceSeconds)
  database.exec('DELETE FROM observed; INSERT INTO observed SELECT * FROM kept')
  database.close()
  return said
}

test('a history as it was breaks no promise', async () => {
  expect(await witness.violations(installed.dataFolder, graceSeconds)).toEqual([])
  expect(witness.seen()).toBe(5)
})

const aRotation = `name = 'family' AND json_extract(body, '$.generation') = 2`
const theEnd = `name IN ('session', 'family') AND json_extract(body, '$.endedAt') IS NOT NULL`

test.each([
  ['a rotation that is missing', `DELETE FROM observed WHERE ${aRotation}`, 'no update is lost'],
  [
    'a generation that goes up twice',
    `UPDATE observed SET body = json_set(body, '$.generation', 3) WHERE ${aRotation}`,
    'who is answered gets the current generation',
  ],
  [
    'an end that nobody wrote down',
    `DELETE FROM observed WHERE name = 'audit' AND body LIKE '%session.ended%'`,
    'each change has its audit row',
  ],
  [
    'somebody told that it is over, and it is not',
    `UPDATE observed SET body = json_set(body, '$.endedAt', NULL) WHERE ${theEnd}`,
    'nobody is logged out except',
  ],
  [
    'a login that ended before it was answered',
    `UPDATE observed SET body = json_set(body, '$.endedAt', 1) WHERE ${aRotation}`,
    'a revoked login mints nothing',
  ],
])('%s is found', async (_what, change, rule) => {
  expect((await saidAfter(change)).join('\n')).toContain(rule)
})
