import { finalRefreshReasons, isRefusal, type Refusal, refuse } from '@countersign/protocol'
import { CallFailure } from '../call-failure.ts'
import type { WebPlatform } from '../platform.ts'
import type { WebIssuer } from './web-issuer.ts'
import type { WebLogin } from './web-login.ts'

/**
 * Renews logins: one request to the issuer for all that ask with the same refresh token in this process. Other processes ask for themselves, and are
 * given the same tokens: the refresh token is bound to a key of the app, and a bound one that is presented again is answered again (docs/refresh.md, row 7).
 */
export interface Renewals {
  /**
   * A login whose access token is alive; the same one if it still is. `refused`: an access token that an API has refused, so that another one is needed.
   * A refusal is final: the login is over. Throws `CallFailure` if that cannot be found out now.
   */
  alive(login: WebLogin, refused?: string): Promise<WebLogin | Refusal>
}

type Renewable = WebLogin & { readonly refreshToken: string }

interface Renewal {
  readonly outcome: Promise<WebLogin | Refusal>
  readonly begunAt: number
}

/** For so long whoever comes with the cookie of before gets what was found, without another request. */
const rememberedMilliseconds = 30_000
const rememberedAtMost = 10_000
/** On its way to an API a token may run out. */
const marginMilliseconds = 10_000

export function createRenewals(issuer: WebIssuer, { now }: WebPlatform): Renewals {
  const renewals = new Map<string, Renewal>()

  function begin(login: Renewable): Promise<WebLogin | Refusal> {
    const outcome = renew(login)
    // Put last, so that the first is the oldest.
    renewals.delete(login.refreshToken)
    renewals.set(login.refreshToken, { outcome, begunAt: now() })
    if (renewals.size > rememberedAtMost) for (const [oldest] of renewals) if (renewals.delete(oldest)) break
    // A failure of the world is not remembered.
    outcome.catch(() => renewals.delete(login.refreshToken))
    return outcome
  }

  async function renew(login: Renewable): Promise<WebLogin | Refusal> {
    const answer = await issuer.refresh(login)
    if (!isRefusal(answer) || finalRefreshReasons.has(answer.reason)) return answer
    const more = { refusal: answer, retryAfterSeconds: answer.retryAfterSeconds }
    throw new CallFailure(`POST /token: refused (${answer.reason})`, more)
  }

  function remembered(refreshToken: string): Renewal | undefined {
    const found = renewals.get(refreshToken)
    return found !== undefined && now() - found.begunAt < rememberedMilliseconds ? found : undefined
  }

  const needsOther = (login: WebLogin, refused: string | undefined): boolean =>
    login.accessToken === refused || now() >= login.accessEndsAt - marginMilliseconds

  /** Of all that find what is remembered to be of no use, one asks. */
  async function renewOnce(login: Renewable, refused: string | undefined): Promise<WebLogin | Refusal> {
    const found = remembered(login.refreshToken)
    const known = await found?.outcome
    if (known !== undefined && (isRefusal(known) || !needsOther(known, refused))) return known
    // The next step of the way, not a step on the spot.
    if (known !== undefined && !isRefusal(known) && known.refreshToken !== login.refreshToken) return known
    const latest = remembered(login.refreshToken)
    return latest === undefined || latest === found ? begin(login) : latest.outcome
  }

  return {
    async alive(login, refused) {
      let current = login
      // From one cookie to the next: the second one may have been renewed by now as well.
      for (let steps = 0; steps < 3 && needsOther(current, refused); steps++) {
        const { refreshToken } = current
        if (refreshToken === null) return refuse('session_expired')
        const next = await renewOnce({ ...current, refreshToken }, refused)
        if (isRefusal(next)) return next
        current = next
      }
      return current
    },
  }
}
