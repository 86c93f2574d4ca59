import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeLogins } from '../countersign/logins.ts'
import { prepareCountersign } from '../countersign/server.ts'
import { runScript } from '../harness/processes.ts'
import { atMost, figure, type Workload } from '../harness/workload.ts'
import { api } from '../peers/oidc-provider/configuration.ts'
import type { RevocationResult, RevocationTask, Summary } from '../revocation/task.ts'

const verifiers = 50

export const revocation: Workload = {
  text: `from a revocation until ${verifiers} verifiers that follow the feed refuse the token`,
  lastsSeconds: ({ short }) => (short ? 5 : 20),
  async run({ command, folder, short }) {
    const system = await prepareCountersign({
      command,
      folder: mkdtempSync(join(folder, 'revocation-')),
      rotatesAlways: false,
    })
    const server = await system.start()
    try {
      const logins = await makeLogins(system, short ? 20 : 300)
      const loginsFile = join(folder, 'revocable.json')
      writeFileSync(loginsFile, JSON.stringify(logins))
      const { issuer, clientId, backEnd } = system
      const task: RevocationTask = { issuer, audience: api, clientId, backEnd, verifiers, loginsFile }
      const { fromSent, fromAnswered } = await runScript<RevocationResult>(
        'revocation/main.ts',
        [JSON.stringify(task)],
        'load',
      )
      const row = (name: string, { p50, p99, longest }: Summary): string[] => [
        name,
        ...[p50, p99, longest].map(milliseconds => figure(milliseconds, 1)),
      ]
      return {
        tables: [
          {
            title: `Revocation to rejection, ${verifiers} verifiers`,
            columns: ['', 'p50 ms', 'p99 ms', 'longest ms'],
            rows: [row('from sending the request', fromSent), row('from its answer', fromAnswered)],
            notes: [
              `${figure(logins.length)} logins ended by POST /revoke, one after the other; each verifier follows the event stream on a connection of its own and is asked about the token in every turn of its loop. A revocation is on the disk before verifiers hear of it and before it is answered; 0 where a verifier knew before the answer was read.`,
            ],
          },
        ],
        aims: [atMost('Revocation to rejection, p99, from sending the request', 100, fromSent.p99, ' ms', 1)],
      }
    } finally {
      await server.stop()
    }
  },
}
