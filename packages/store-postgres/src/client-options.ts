import type pg from 'pg'
import { asVerifyFull, settingsOf } from './database-url.ts'

/** What the driver is told of a URL with one host. `patienceMs`: how long that host is waited for at most, whatever the URL says. */
export function clientOptions(url: string, patienceMs: number): pg.ClientConfig {
  const { connectTimeoutMs = patienceMs, channelBinding, keepAliveDelayMs } = settingsOf(url)
  return {
    connectionString: asVerifyFull(url),
    connectionTimeoutMillis: Math.min(connectTimeoutMs, patienceMs),
    enableChannelBinding: channelBinding !== 'disable',
    keepAlive: true,
    ...(keepAliveDelayMs !== undefined && { keepAliveInitialDelayMillis: keepAliveDelayMs }),
  }
}
