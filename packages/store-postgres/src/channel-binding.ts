import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type pg from 'pg'
import { ChannelBindingMissing } from './postgres-failure.ts'

/** What the driver's types do not tell of. */
interface Connection extends EventEmitter {
  readonly stream: Duplex
}

/**
 * `channel_binding=require`, which the driver does not know: it binds where that is offered, and goes on without where it is not. Whoever lets us in
 * otherwise, or asks for the password itself, is left before it is told anything. Before `connect`.
 */
export function demandChannelBinding(client: pg.Client): void {
  const connection = (client as unknown as { readonly connection: Connection }).connection
  let isBound = false
  const leave = (): void => {
    connection.emit('error', new ChannelBindingMissing())
    connection.stream.destroy()
  }
  connection.on('authenticationCleartextPassword', leave)
  connection.on('authenticationMD5Password', leave)
  connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: readonly string[] }) => {
    if (!mechanisms.includes('SCRAM-SHA-256-PLUS')) leave()
  })
  // What it says is checked by the driver (RFC 5802 §3): only who knows the password's verifier, and sees the same certificate, can say it.
  connection.on('authenticationSASLFinal', () => {
    isBound = true
  })
  connection.on('authenticationOk', () => {
    if (!isBound) leave()
  })
}
