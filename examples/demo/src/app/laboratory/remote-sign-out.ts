import type { Countersign } from '@countersign/app'
import { apiUrl, issuer } from '../settings.ts'
import { type Experiment, type Report, wait } from './experiment.ts'
import { instrument } from './instruments.ts'
import { watched } from './watch.ts'

const pollMs = 10
const patienceMs = 300_000

const fetchToWatch = watched('this page, asking again and again')

export function remoteSignOut(countersign: Countersign): Experiment {
  return {
    id: 'remote-sign-out',
    title: 'One click elsewhere',
    explanation:
      'The account page opens in a window of its own. Sign in there if asked, and end this session (or sign out, if it is the same one). Meanwhile this page asks the API every 10 ms with the token that it has.',
    actions: [{ id: 'open-account', label: 'Log this device out from the account page', run }],
  }

  async function run(report: Report): Promise<void> {
    const sessionId = countersign.sessionId ?? ''
    const token = await countersign.getToken()
    open(`${issuer}/account`, '_blank', 'noopener,width=760,height=820')
    report(`Waiting for the login ${sessionId.slice(-8)} to be ended there. No window? It is ${issuer}/account`)
    const refusal = await pollUntilRefused(token)
    if (refusal === undefined) return report('Nothing has happened in five minutes. Press again when you like.')
    const { ended_at } = await instrument<{ ended_at: number | null }>('session-end', { session_id: sessionId })
    report(`The API refused: ${refusal.status} ${refusal.reason}.`, 'good')
    if (ended_at !== null) {
      const elapsed = Math.max(0, Math.round(refusal.time - ended_at))
      report(
        `${elapsed} ms after the session was ended. The API asked nobody: the news came to it by the feed.`,
        'good',
      )
    }
    const state = await countersign.refresh()
    if (state.status === 'signedOut') report(`The app has signed out, and says why: ${state.reason}.`, 'good')
  }
}

async function pollUntilRefused(token: string): Promise<{ status: number; reason: string; time: number } | undefined> {
  const headers = { Authorization: `Bearer ${token}` }
  const giveUp = Date.now() + patienceMs
  while (Date.now() < giveUp) {
    const answer = await fetchToWatch(`${apiUrl}/greeting`, { headers }).catch(() => undefined)
    const reason = answer?.headers.get('countersign-reason')
    if (answer?.status === 401 && reason) return { status: 401, reason, time: Date.now() }
    await wait(pollMs)
  }
  return undefined
}
