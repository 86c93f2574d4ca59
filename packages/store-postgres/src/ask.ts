import type { Writable } from 'node:stream'
import type pg from 'pg'
import { DriverFailure } from './postgres-failure.ts'
import { after } from './timers.ts'

type Client = pg.ClientBase

/**
 * What the database answers, waited for as long as that, or (`undefined`) for as long as the connection stands; what the driver throws comes out as `DriverFailure`. By the driver's callback and with a timer of our own: where the
 * driver makes the promise or keeps the time (`query_timeout`), it puts another callback in the place of a query's first one, and then queries with all of their rows survive one
 * scavenge after the other, until V8 collects its whole heap (pg 8.23, Node 24.21; garbage.test.ts looks at it).
 */
export function ask(
  client: Client,
  patienceMs: number | undefined,
  config: pg.QueryArrayConfig,
): Promise<pg.QueryArrayResult> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(new DriverFailure('the driver failed', { cause }))
    const giveUp = (): void => {
      fail(new Error('timeout: the database has not answered'))
      // What was sent behind it would wait for its answer too.
      streamOf(client).destroy()
    }
    const endPatience = patienceMs === undefined ? () => {} : after(patienceMs, giveUp)
    const answered = (error: Error | null, answer: pg.QueryArrayResult): void => {
      endPatience()
      if (error) fail(error)
      else resolve(answer)
    }
    void client.query(config, answered)
  })
}

/** The socket, which the driver's types do not tell of. */
export function streamOf(client: Client): Writable {
  return (client as unknown as { readonly connection: { readonly stream: Writable } }).connection.stream
}
