import type { History, HistoryEvent, TokenExchange } from '@countersign/simulation/history/history'
import { readAccessToken, readRefreshToken } from '@countersign/simulation/history/read-tokens'
import { judgeRecorded } from '@countersign/simulation/invariants/judge'
import { type Answer, type Call, monotonic, observers, type Sending } from './http-call.ts'
import { readObserved } from './observed-history.ts'
import { wholeAudit, withStore } from './stored-state.ts'

/** Sees what is asked and answered, and judges it afterwards beside what the store has written: by the simulation's own judges. */
export interface Witness {
  /** Answers of the token endpoint to refreshes, so far. */
  readonly seen: () => number
  /** Moves the clock of the server: the judges must know when that was. */
  clockJumps(move: () => void): void
  /**
   * What was broken, in sentences. For a server that has ended and was `observed` from its first start. `graceSeconds`: of
   * the clients that took part.
   */
  violations(dataFolder: string, graceSeconds: number): Promise<string[]>
}

export function createWitness(): Witness {
  const exchanges: TokenExchange[] = []
  const jumps: HistoryEvent[] = []
  const noteJump = (): void =>
    void jumps.push({ kind: 'fault', time: monotonic(), what: 'store clock', text: 'the clock jumps' })
  observers.add((what, answer, sending) => {
    const exchange = exchangeOf(what, answer, sending)
    if (exchange !== undefined) exchanges.push(exchange)
  })
  return {
    seen: () => exchanges.length,
    clockJumps(move) {
      // What is committed before it, and what after it, is each on one side.
      noteJump()
      move()
      noteJump()
    },
    async violations(dataFolder, graceSeconds) {
      const log = readObserved(dataFolder)
      const auditRows = await withStore(dataFolder, wholeAudit)
      const events: HistoryEvent[] = [
        ...jumps,
        ...log.map(applied => ({ kind: 'commit' as const, time: applied.time, applied })),
        ...exchanges.map(exchange => ({ kind: 'exchange' as const, time: exchange.answeredAt, exchange })),
      ].sort((one, other) => one.time - other.time)
      const history: History = { events, faults: {}, rows: {} }
      const tolerance = { graceMilliseconds: graceSeconds * 1000, minimumLifeMilliseconds: 0 }
      const found = judgeRecorded({ log, history, auditRows, nodes: 1, lootOf: () => undefined, tolerance })
      return found.map(({ rule, text }) => `${rule}: ${text}`)
    },
  }
}

function exchangeOf(what: Call, answer: Answer | undefined, { url, sentAt }: Sending): TokenExchange | undefined {
  const presented = readRefreshToken(what.form?.refresh_token)
  if (answer === undefined || presented === undefined || !url.endsWith('/token')) return undefined
  const body = JSON.parse(answer.text) as Record<string, string | undefined>
  const row = answer.headers['countersign-refresh-row']
  return {
    party: { name: what.form?.client_id ?? '', honest: true },
    node: 'server',
    path: '/token',
    arrivedAt: sentAt,
    storeArrivedAt: Date.now(),
    presented,
    answeredAt: monotonic(),
    status: answer.status,
    row: row === undefined ? undefined : Number(row),
    reason: answer.status < 300 ? undefined : (body.reason as TokenExchange['reason']),
    given: readRefreshToken(body.refresh_token),
    claims: body.access_token === undefined ? undefined : readAccessToken(body.access_token).claims,
  }
}
