import type { Countersign } from '@countersign/app'
import { apiUrl } from '../settings.ts'
import type { Experiment, Report } from './experiment.ts'
import { instrument } from './instruments.ts'
import { callApi } from './thief.ts'
import { collectCalls, isRefresh } from './watch.ts'

interface Forged {
  readonly token: string
  readonly kid: string
}

const pollMs = 2
const patienceMs = 10_000

export function forgedToken(countersign: Countersign): Experiment {
  let forged: Forged | undefined
  return {
    id: 'forged-token',
    title: 'A leaked signing key',
    explanation:
      'Somebody has the private key that signs access tokens, and makes one in your name: your claims, a right signature. What is missing is the countersign, under a key that never leaves the server.',
    actions: [
      { id: 'forge', label: 'Forge with the leaked signing key', run: forge },
      { id: 'retire-key', label: 'Retire that key', run: retire },
    ],
  }

  async function forge(report: Report): Promise<void> {
    forged = await instrument<Forged>('forge', { token: await countersign.getToken() })
    const read = await callApi(forged.token)
    report(
      `GET /notes checks by itself: ${read.status}. The signature is right, and by signature alone nobody could tell.`,
      read.status === 200 ? 'bad' : 'good',
    )
    const { active } = await instrument<{ active: boolean }>('introspect', { token: forged.token })
    report(
      `The issuer is asked (introspection): active is ${active}. It recomputes the countersign.`,
      active ? 'bad' : 'good',
    )
    const erase = await callApi(forged.token, 'DELETE')
    report(
      `DELETE /notes asks the issuer about every token: ${erase.status} ${erase.reason}. Nothing was deleted.`,
      erase.status === 401 ? 'good' : 'bad',
    )
    report('Now retire the key.')
  }

  async function retire(report: Report): Promise<void> {
    const leaked = forged ?? (await instrument<Forged>('forge', { token: await countersign.getToken() }))
    forged = undefined
    const watching = collectCalls()
    const { at: retiredAt } = await instrument<{ at: number }>('retire-key', { kid: leaked.kid })
    const refused = await pollUntilRefused(leaked.token)
    report(
      `The forged token: ${refused.status} ${refused.reason}, ${Math.max(0, refused.time - retiredAt)} ms after the key was retired.`,
      refused.status === 401 ? 'good' : 'bad',
    )
    const own = await countersign.fetch(`${apiUrl}/notes`)
    const refreshes = watching.end().filter(isRefresh)
    if (own.headers.get('countersign-reason') === 'key_unknown') {
      report('The API asks for new keys at most every 30 s. Several retired in a row have to wait for it.', 'bad')
      return
    }
    report(
      `Your own token was signed with that key too. The app has renewed it (${refreshes.length} refresh), and was answered ${own.status}.`,
      own.status === 200 ? 'good' : 'bad',
    )
  }
}

async function pollUntilRefused(token: string): Promise<{ status: number; reason: string; time: number }> {
  const giveUp = Date.now() + patienceMs
  for (;;) {
    const answer = await callApi(token)
    const time = Date.now()
    if (answer.status !== 200 || time > giveUp) return { ...answer, time }
    await new Promise(resolve => void setTimeout(resolve, pollMs))
  }
}
