import type { Countersign } from '@countersign/app'
import { apiUrl } from '../settings.ts'
import { type Experiment, plural, type Report, tally } from './experiment.ts'
import { rowOf } from './rows.ts'
import { expireStored } from './stored-token.ts'
import { collectCalls, isRefresh } from './watch.ts'

const calls = 20

export function expiredCalls(countersign: Countersign): Experiment {
  return {
    id: 'expired-calls',
    title: 'An expired token, twenty calls',
    explanation: 'Twenty parts of a page call the API in the same moment, and the access token has expired.',
    actions: [{ id: 'fire-expired-calls', label: 'Fire 20 calls with an expired token', run }],
  }

  async function run(report: Report): Promise<void> {
    await expireStored(countersign)
    const watching = collectCalls()
    const answers = await Promise.all(Array.from({ length: calls }, () => countersign.fetch(`${apiUrl}/notes`)))
    const refreshes = watching.end().filter(isRefresh)
    const statuses = answers.map(({ status }) => status)
    const good = refreshes.length === 1 && statuses.every(status => status === 200)
    report(`${plural(refreshes.length, 'refresh', 'refreshes')}, ${tally(statuses)}.`, good ? 'good' : 'bad')
    for (const { row } of refreshes) report(`Row ${row} decided: ${rowOf(row)?.name}.`)
  }
}
