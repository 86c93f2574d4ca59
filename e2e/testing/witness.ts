import type { History, HistoryEvent, TokenExchange } from '@countersign/simulation/history/history'
import { readAccessToken, readRefreshToken } from '@countersign/simulation/history/read-tokens'
import { judgeRecorded, type Recorded } from '@countersign/simulation/invariants/judge'
import { type Answer, type Call, monotonic, observers, type Sending } from './http-call.ts'
import { readObserved } from './observed-history.ts'
import { wholeAudit, withStore } from './stored-state.ts'

/** Sees what is asked and answered, and judges it afterwards beside what the store has written: by the simulation's own judges. */
export interface Witness {
  /** Answers of the token endpoint to refreshes, so far. */
  readonly seen: () => number
  readonly exchanges: readonly TokenExchange[]
  /** Moves the clock of the server, until it is so far ahead of ours: the judges must know when that was. */
  clockJumps(aheadMs: number, move: () => void): void
  /**
   * What was broken, in sentences. For a server that has ended and was `observed` from its first start. `graceSeconds`: of
   * the clients that took part.
   */
  violations(dataFolder: string, graceSeconds: number): Promise<string[]>
  /** The same, of what was written elsewhere; `more`: what the judges must know besides. */
  judge(written: Written, graceSeconds: number, more?: readonly HistoryEvent[]): string[]
  /** Sees nothing more. */
  close(): void
}

type Written = Pick<Recorded, 'log' | 'auditRows' | 'auditInOrder' | 'nodes'>

export function createWitness(): Witness {
  const exchanges: TokenExchange[] = []
  const jumps: HistoryEvent[] = []
  let serverIsAheadMs = 0
  const noteJump = (): void =>
    void jumps.push({ kind: 'fault', time: monotonic(), what: 'store clock', text: 'the clock jumps' })
  const observe: typeof observers extends Set<infer Observer> ? Observer : never = (what, answer, sending) => {
    const exchange = exchangeOf(what, answer, { ...sending, serverTime: Date.now() + serverIsAheadMs })
    if (exchange !== undefined) exchanges.push(exchange)
  }
  observers.add(observe)

  function judge(written: Written, graceSeconds: number, more: readonly HistoryEvent[] = []): string[] {
    const events: HistoryEvent[] = [
      ...jumps,
      ...more,
      ...written.log.map(applied => ({ kind: 'commit' as const, time: applied.time, applied })),
      ...exchanges.map(exchange => ({ kind: 'exchange' as const, time: exchange.answeredAt, exchange })),
    ].sort((one, other) => one.time - other.time)
    const history: History = { events, faults: {}, rows: {} }
    const tolerance = { graceMilliseconds: graceSeconds * 1000, minimumLifeMilliseconds: 0 }
    const found = judgeRecorded({ ...written, history, lootOf: () => undefined, tolerance })
    return found.map(({ rule, text }) => `${rule}: ${text}`)
  }

  return {
    seen: () => exchanges.length,
    exchanges,
    clockJumps(aheadMs, move) {
      // What is committed before it, and what after it, is each on one side.
      noteJump()
      move()
      serverIsAheadMs = aheadMs
      noteJump()
    },
    async violations(dataFolder, graceSeconds) {
      const auditRows = await withStore(dataFolder, wholeAudit)
      return judge({ log: readObserved(dataFolder), auditRows, nodes: 1 }, graceSeconds)
    },
    judge,
    close: () => void observers.delete(observe),
  }
}

function exchangeOf(
  what: Call,
  answer: Answer | undefined,
  { url, sentAt, serverTime }: Sending & { readonly serverTime: number },
): TokenExchange | undefined {
  const presented = readRefreshToken(what.form?.refresh_token)
  if (answer === undefined || presented === undefined || !url.endsWith('/token')) return undefined
  const body = JSON.parse(answer.text) as Record<string, string | undefined>
  const row = answer.headers['countersign-refresh-row']
  return {
    party: { name: what.form?.client_id ?? '', honest: true },
    // Who it was is said by what stands in front of several.
    node: answer.headers['served-by']?.toString() ?? 'server',
    path: '/token',
    arrivedAt: sentAt,
    storeArrivedAt: serverTime,
    presented,
    answeredAt: monotonic(),
    status: answer.status,
    row: row === undefined ? undefined : Number(row),
    reason: answer.status < 300 ? undefined : (body.reason as TokenExchange['reason']),
    given: readRefreshToken(body.refresh_token),
    claims: body.access_token === undefined ? undefined : readAccessToken(body.access_token).claims,
  }
}
