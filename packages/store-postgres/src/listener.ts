import pg from 'pg'
import { demandChannelBinding } from './channel-binding.ts'
import { clientOptions } from './client-options.ts'
import { settingsOf } from './database-url.ts'
import { urlsOf } from './host-urls.ts'
import { quotedName } from './statements.ts'
import type { Every } from './timers.ts'

const tryAgainMs = 1_000

/**
 * Hears of new entries on a connection of its own, which must reach the database directly: a pooler in transaction mode forgets who
 * listens. A message that is lost costs nothing but time: every node looks by itself, too. Returns how to stop.
 */
export function startListener(options: {
  url: string
  channel: string
  every: Every
  patienceMs: number
  /** Called with the number that a message says, of which nothing may be believed (every role of the database may send one), and with `undefined` when messages may have been missed. */
  heard: (number: number | undefined) => void
}): () => Promise<void> {
  const { channel, patienceMs, heard } = options
  const urls = urlsOf(options.url)
  const needsBinding = settingsOf(options.url).channelBinding === 'require'
  let turn = 0
  let client: pg.Client | undefined
  let stopped = false

  async function connect(): Promise<void> {
    const own = new pg.Client({
      ...clientOptions(urls[turn % urls.length] as string, patienceMs),
      query_timeout: patienceMs,
      application_name: 'countersign feed',
    })
    if (needsBinding) demandChannelBinding(own)
    client = own
    const lost = (): void => {
      if (client === own) client = undefined
    }
    own.on('error', lost)
    own.on('end', lost)
    own.on('notification', ({ payload }) => heard(Number(payload)))
    try {
      await own.connect()
      await own.query(`LISTEN ${quotedName(channel)}`)
      heard(undefined)
    } catch {
      // A standby lets nobody listen.
      turn++
      lost()
      await own.end().catch(() => {})
    }
  }

  const stopTrying = options.every(tryAgainMs, () => {
    if (client === undefined && !stopped) void connect()
  })
  void connect()
  return async () => {
    stopped = true
    stopTrying()
    await client?.end().catch(() => {})
  }
}
