import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { backEndAuthorization } from '../countersign/logins.ts'
import { prepareCountersign } from '../countersign/server.ts'
import { residentMiB } from '../harness/processes.ts'
import { atMost, figure, median, type Workload } from '../harness/workload.ts'

export const start: Workload = {
  text: '`countersign serve` started again: time to the first token, resident memory',
  lastsSeconds: ({ short }) => (short ? 3 : 8),
  async run({ command, folder, short, progress }) {
    const system = await prepareCountersign({
      command,
      folder: mkdtempSync(join(folder, 'start-')),
      rotatesAlways: false,
    })
    const outcomes: { readyMs: number; tokenMs: number; residentMiB: number | undefined }[] = []
    for (let n = 0; n <= (short ? 2 : 10); n++) {
      const began = performance.now()
      const server = await system.start()
      await backEndAuthorization(system)
      const tokenMs = performance.now() - began
      // The first start makes files, keys and the compiled code's cache.
      if (n > 0) outcomes.push({ readyMs: server.readyMs, tokenMs, residentMiB: residentMiB(server.pid) })
      progress(`start ${n}: first token after ${figure(tokenMs)} ms`)
      await server.stop()
    }
    const middle = (of: (one: (typeof outcomes)[number]) => number | undefined): number | undefined =>
      median(outcomes.map(one => of(one) ?? Number.NaN))
    const [ready, token, resident] = [
      middle(one => one.readyMs),
      middle(one => one.tokenMs),
      middle(one => one.residentMiB),
    ]
    return {
      tables: [
        {
          title: 'Start of `countersign serve`, not the first one',
          columns: ['ready after ms', 'first token after ms', 'resident MiB then'],
          rows: [[figure(ready), figure(token), figure(resident)]],
          notes: [
            `Median of ${outcomes.length} starts, from making the process to the answer of a client credentials request. The command is the bundle that npm run build makes.`,
          ],
        },
      ],
      aims: [
        atMost('Process start to first token', 300, token, ' ms'),
        atMost('Resident memory after the first token', 90, resident && (resident * 2 ** 20) / 1e6, ' MB'),
      ],
    }
  },
}
