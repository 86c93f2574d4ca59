import { type Countersign, createCountersign } from '@countersign/app'
import { adopt } from '@countersign/app/account'
import { localStorageStorage } from '@countersign/app/storage/web'
import type { TokenAnswer } from '@countersign/protocol'
import { apiUrl, issuer } from '../settings.ts'
import { type Report, wait } from './experiment.ts'
import { instrument } from './instruments.ts'
import { rowInWords } from './rows.ts'
import { callApi, type Loot, redeem } from './thief.ts'
import { collectCalls, watched } from './watch.ts'

const clientId = 'demo-unbound'
const slot = 'countersign demo unbound'
/** As the client is declared: the token rotates when it is older than H, and the one before is forgiven for the grace. */
const minimumLifeMs = 2_100
const graceMs = 1_100

/** The thief is quicker than the victim, every time: the hardest case for a token that no key protects. */
export async function stealUnbound(countersign: Countersign, report: Report): Promise<void> {
  const tokens = await instrument<TokenAnswer>('unbound-login', { token: await countersign.getToken() })
  const victim = createCountersign({
    issuer,
    clientId,
    apiOrigins: [apiUrl],
    storage: localStorageStorage(slot),
    fetch: watched('the victim'),
  })
  try {
    await victim.ready
    await adopt(victim, tokens)
    report('Another login, without a key, its tokens in localStorage. The thief copies the refresh token.')
    await wait(minimumLifeMs)
    const first = await redeem(clientId, stolenFromStorage())
    report(`The thief refreshes first: ${described(first)}. Nobody can tell yet.`, first.tokens ? 'bad' : 'good')
    await wait(graceMs)
    report(`The victim refreshes later than the grace allows: ${await refreshVictim(victim)}.`)
    await wait(minimumLifeMs)
    const second = await redeem(clientId, first.tokens?.refresh_token ?? '')
    report(`The thief refreshes again: ${described(second)}.`, second.tokens ? 'bad' : 'good')
    await wait(graceMs)
    report(`The victim refreshes: ${await refreshVictim(victim)}. Two hands hold this login, so it has ended.`, 'good')
    await showTheEnd(second, report)
  } finally {
    await victim.signOut()
    victim.close()
    localStorage.removeItem(slot)
  }
}

async function showTheEnd({ tokens }: Loot, report: Report): Promise<void> {
  const refresh = await redeem(clientId, tokens?.refresh_token ?? '')
  const call = await callApi(tokens?.access_token ?? '')
  const out = refresh.tokens === undefined && call.status === 401
  report(`The thief’s refresh token: ${described(refresh)}.`, refresh.tokens ? 'bad' : 'good')
  report(`The thief’s access token at the API: ${call.status} ${call.reason}.`, out ? 'good' : 'bad')
  report('Your own login is another one, and goes on.')
}

function stolenFromStorage(): string {
  return String(JSON.parse(localStorage.getItem(slot) ?? '{}').refreshToken)
}

async function refreshVictim(victim: Countersign): Promise<string> {
  const watching = collectCalls()
  await victim.refresh()
  const { row, reason } = watching.end().at(-1) ?? {}
  return described({ row, reason })
}

function described({ row, reason }: Pick<Loot, 'row' | 'reason'>): string {
  return `${rowInWords(row)}${reason === undefined ? '' : ` (${reason})`}`
}
