import pg from 'pg'

/** What was asked of PostgreSQL. */
export interface Asked {
  readonly statements: number
  /** How often somebody had to wait for an answer before they could ask on. */
  readonly roundTrips: number
}

/** What a new connection begins with (database.ts): when one is made is the pool's to choose. */
const isBeginning = ({ text }: pg.QueryConfig): boolean => text.startsWith('SET search_path')

/** As `ask` calls it. */
type Query = (this: object, config: pg.QueryConfig, answered: (...answer: unknown[]) => void) => void

/** Counts what this process asks on all of its connections while `act` runs. */
export async function countAsked(act: () => Promise<unknown>): Promise<Asked> {
  const real = pg.Client.prototype.query as unknown as Query
  const unanswered = new Map<object, number>()
  let [statements, roundTrips] = [0, 0]
  const counting: Query = function (config, answered) {
    if (isBeginning(config)) return real.call(this, config, answered)
    const before = unanswered.get(this) ?? 0
    statements++
    if (before === 0) roundTrips++
    unanswered.set(this, before + 1)
    real.call(this, config, (...answer) => {
      unanswered.set(this, (unanswered.get(this) ?? 1) - 1)
      answered(...answer)
    })
  }
  pg.Client.prototype.query = counting as unknown as typeof pg.Client.prototype.query
  try {
    await act()
  } finally {
    pg.Client.prototype.query = real as unknown as typeof pg.Client.prototype.query
  }
  return { statements, roundTrips }
}
