import { existsSync } from 'node:fs'
import { type ErrorBody, errorBody, isRefusal } from '@countersign/protocol'
import { type AdminCommand, askRunningServer, runAdminCommand } from './admin-socket.ts'
import type { Configuration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { openDataFolder } from './data-folder.ts'
import { readMasterKey } from './master-key.ts'
import { openSystem, type System } from './open-system.ts'
import { plainTable } from './printed.ts'

/** Has a command done, by whoever holds the store. `result` of one that failed: `{error, error_description, reason}`. */
export type Ask = (command: AdminCommand, argument: string) => Promise<{ failed: boolean; result: unknown }>

/** Does one command and prints what it answers. */
export async function administer(configuration: Configuration, command: AdminCommand, argument: string): Promise<void> {
  const { failed, result } = await operate(configuration, ask => ask(command, argument))
  if (failed) throw new RefusedCommand(result as ErrorBody)
  // To people: who counts lines counts none.
  if (Array.isArray(result) && result.length === 0) process.stderr.write('There are none.\n')
  else if (Array.isArray(result)) process.stdout.write(plainTable(result))
  else process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
}

/** The command was understood, and the answer is no: a sentence, and the reason for scripts. */
export class RefusedCommand extends Error {
  override readonly name = 'RefusedCommand'
  constructor({ error_description: description, reason }: ErrorBody) {
    super(`${description} (${reason})`)
  }
}

/** By the running server if there is one, else on the store directly. On a database always so: what runs reads it there. */
export async function operate<T>(configuration: Configuration, work: (ask: Ask) => Promise<T>): Promise<T> {
  standingDataFolder(configuration)
  let own: System | undefined
  try {
    return await work(async (command, argument) => {
      const direct = own !== undefined || configuration.database !== undefined
      const asked = direct ? undefined : await askRunningServer(configuration.data, command, argument)
      if (asked) return { failed: asked.status >= 400, result: asked.body }
      own ??= await openStopped(configuration)
      const result = await runAdminCommand(own.server.admin, command, argument)
      return isRefusal(result) ? { failed: true, result: errorBody(result) } : { failed: false, result }
    })
  } finally {
    await own?.close()
  }
}

/**
 * The data folder, which no command makes: it would be a new store. Who works on a database and has the master key from elsewhere needs none:
 * in an emergency, that may be any machine from which the database can be reached.
 */
export function standingDataFolder({ data, database, master_key_command: command }: Configuration): string {
  if (existsSync(data)) return openDataFolder(data)
  if (database === undefined) throw new WrongConfiguration(`There is no data folder at ${data}; give --data.`)
  if (!process.env.COUNTERSIGN_MASTER_KEY && command === undefined) {
    const ways = 'set COUNTERSIGN_MASTER_KEY or master_key_command, or give --data'
    throw new WrongConfiguration(`There is no master key: no data folder is at ${data}; ${ways}.`)
  }
  return data
}

/** A system of this process's own, which does not listen, and changes nothing but what it is told to. */
export function openStopped(configuration: Configuration): Promise<System> {
  const master = readMasterKey(configuration.data, {
    environment: process.env.COUNTERSIGN_MASTER_KEY,
    command: configuration.master_key_command,
  })
  const log = { info() {}, warn() {}, error() {} }
  return openSystem({ configuration, folder: configuration.data, master, log, isForCommands: true })
}
