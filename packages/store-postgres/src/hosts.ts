import pg from 'pg'
import { ask } from './ask.ts'
import { demandChannelBinding } from './channel-binding.ts'
import { clientOptions } from './client-options.ts'
import { settingsOf } from './database-url.ts'
import { urlsOf } from './host-urls.ts'
import { StandbyMet } from './postgres-failure.ts'

/*
 * A URL may name several hosts, as libpq's do: `postgres://user@a:5432,b:5432/name`. One of them is the primary, and which one
 * changes when a standby is promoted. The driver knows one host for each connection; this finds the one to take.
 */

/** What the pool has to know of hosts. */
export interface Hosts {
  /** A connection to the host whose turn it is. */
  readonly Client: typeof pg.Client
  /** For each connection that was made: rejects if it led to a standby and there are others to ask. */
  readonly onConnect: (client: pg.ClientBase) => Promise<void>
  /** True if the primary has been found elsewhere since. */
  readonly isLeft: (client: pg.ClientBase) => boolean
  /** How many there are: a connection that fails is worth as many tries. */
  readonly count: number
}

type Connected = ((error: Error) => void) | ((error: null, client: pg.Client) => void)

/** `patienceMs`: for all hosts together. */
export function openHosts(url: string, patienceMs: number): Hosts {
  const urls = urlsOf(url)
  const needsBinding = settingsOf(url).channelBinding === 'require'
  const placeOf = new WeakMap<pg.ClientBase, number>()
  let turn = 0
  let primary: number | undefined

  function passOver(place: number | undefined): void {
    if (place === turn) turn = (turn + 1) % urls.length
  }

  class HostClient extends pg.Client {
    constructor(config: pg.ClientConfig) {
      super({ ...config, ...clientOptions(urls[turn] ?? url, patienceMs / urls.length) })
      if (needsBinding) demandChannelBinding(this)
      placeOf.set(this, turn)
      // A connection that breaks says so to the next statement. Whoever has it listens too, but not from the first moment on; and without
      // anybody who listens the process would end.
      this.on('error', () => {})
    }

    override connect(): Promise<pg.Client>
    override connect(callback: Connected): void
    override connect(callback?: Connected): Promise<pg.Client> | undefined {
      const place = placeOf.get(this)
      const connecting = super.connect()
      connecting.catch(() => passOver(place))
      if (callback === undefined) return connecting
      connecting.then(
        () => (callback as (error: null, client: pg.Client) => void)(null, this),
        callback as (error: Error) => void,
      )
      return undefined
    }
  }

  return {
    Client: HostClient,
    async onConnect(client) {
      const place = placeOf.get(client)
      if (urls.length > 1) {
        const { rows } = await ask(client, patienceMs, { text: 'SELECT pg_is_in_recovery()', rowMode: 'array' })
        if (rows[0]?.[0] !== false) {
          passOver(place)
          throw new StandbyMet()
        }
      }
      primary = place
    },
    isLeft: client => primary !== undefined && placeOf.get(client) !== primary,
    count: urls.length,
  }
}
