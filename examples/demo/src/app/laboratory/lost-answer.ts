import type { Countersign } from '@countersign/app'
import { apiUrl } from '../settings.ts'
import type { Experiment, Report } from './experiment.ts'
import { rowInWords } from './rows.ts'
import { expireStored } from './stored-token.ts'
import { collectCalls, isRefresh, loseNextRefresh } from './watch.ts'

export function lostAnswer(countersign: Countersign): Experiment {
  return {
    id: 'lost-answer',
    title: 'A lost answer',
    explanation:
      'The server has rotated the refresh token, and the answer gets lost on the way. Where refresh tokens are good once, this signs people out.',
    actions: [{ id: 'lose-refresh', label: 'Lose the next refresh response', run }],
  }

  async function run(report: Report): Promise<void> {
    const login = countersign.sessionId
    await expireStored(countersign)
    loseNextRefresh()
    const watching = collectCalls()
    const answer = await countersign.fetch(`${apiUrl}/notes`)
    for (const { row, lost } of watching.end().filter(isRefresh)) {
      report(`Refresh: ${rowInWords(row)}${lost ? '; the answer is thrown away' : '; this one arrives'}.`)
    }
    const good = answer.status === 200 && countersign.sessionId === login
    report(
      good ? 'The call was answered 200. Still signed in.' : `The call was answered ${answer.status}.`,
      good ? 'good' : 'bad',
    )
  }
}
