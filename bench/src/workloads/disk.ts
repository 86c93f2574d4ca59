import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeLogins } from '../countersign/logins.ts'
import { prepareCountersign } from '../countersign/server.ts'
import { atMost, figure, type Workload } from '../harness/workload.ts'

export const disk: Workload = {
  text: 'bytes on disk per login: session, family and their indexes',
  lastsSeconds: ({ short }) => (short ? 4 : 10),
  async run({ command, folder, short }) {
    const count = short ? 1_000 : 5_000
    const system = await prepareCountersign({
      command,
      folder: mkdtempSync(join(folder, 'disk-')),
      rotatesAlways: false,
    })
    const server = await system.start()
    await makeLogins(system, count)
    await server.stop()
    const of = (...tables: string[]): number => bytesOf(system.database, tables) / count
    const login = of('session', 'family')
    return {
      tables: [
        {
          title: 'Bytes on disk',
          columns: ['per login', 'session', 'family', 'audit', 'user and identity, once'],
          rows: [[login, of('session'), of('family'), of('audit'), of('user', 'identity')].map(bytes => figure(bytes))],
          notes: [`${figure(count)} logins of as many users; whole pages with all indexes, counted by dbstat.`],
        },
      ],
      aims: [atMost('Bytes on disk per login (audit apart)', 500, login, ' bytes')],
    }
  },
}

/** All pages of some tables and of their indexes. */
function bytesOf(file: string, tables: readonly string[]): number {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const { bytes } = database
      .prepare(
        `SELECT sum(pgsize) AS bytes FROM dbstat WHERE name IN
         (SELECT name FROM sqlite_schema WHERE tbl_name IN (SELECT value FROM json_each(?)))`,
      )
      .get(JSON.stringify(tables)) as { bytes: number }
    return bytes
  } finally {
    database.close()
  }
}
