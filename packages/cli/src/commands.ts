import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { WrongDeclaration, WrongMasterKey } from '@countersign/server'
import { StoreUnavailable } from '@countersign/store'
import { Command } from 'commander'
import { administer, RefusedCommand } from './administer.ts'
import { addAuditCommands } from './audit-commands.ts'
import { BrokenAuditLog } from './audit-export.ts'
import { addClientCommands } from './client-commands.ts'
import { type Configuration, readConfiguration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { keysAsArguments } from './key-argument.ts'
import { describeStart } from './printed.ts'
import { endOnLoss, endOnSignal, serve } from './serve.ts'
import { standingFolder } from './standing-folder.ts'
import { addStoreCommands } from './store-commands.ts'
import { addUserCommands } from './user-commands.ts'

const defaultFile = 'countersign.json'

const settingsHelp = `
All settings are keys of the configuration file, and variables of the environment: port is COUNTERSIGN_PORT, and so on; the file itself is COUNTERSIGN_CONFIG.
Flags count more than the environment, the environment more than the file. Each setting is described in docs/configuration.md.`

const serveHelp = `${settingsHelp}
A URL with a password in it belongs into the environment: flags can be seen by whoever lists processes.

Without any settings it listens on 127.0.0.1:4400 and keeps everything in the folder data; clients are named in the file.
^C and SIGTERM end it: what was begun is answered first (drain_seconds).`

/** Runs one command line. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(keysAsArguments(argv))
  } catch (error) {
    process.stderr.write(`countersign: ${explain(error)}\n`)
    process.exitCode = 1
  }
}

/** All commands; each is described in docs/operating.md, and a test sees to it. */
export function createProgram(): Command {
  const program = new Command('countersign')
    .description('The token and session layer of an application: server, sessions, keys.')
    .configureHelp({ showGlobalOptions: true })
    .option('--config <file>', `configuration file, JSON (default: ${defaultFile} here, if there is one)`)
    .option('--port <number>', 'port to listen on (default: 4400)')
    .option('--data <folder>', 'where everything is kept (default: data, beside the configuration file or here)')
    .option('--database <url>', 'PostgreSQL, for many nodes (default: everything is in the data folder)')
    .option('--valkey <url>', 'Valkey or Redis: nodes hear of each other at once (default: by the database alone)')
    .option('--issuer <url>', 'public address (default: http://127.0.0.1:PORT)')
    .showHelpAfterError()
    .addHelpText('after', settingsHelp)
  const configured = (): Configuration => configurationOf(program.opts())

  program
    .command('serve')
    .description('start the server')
    .addHelpText('after', serveHelp)
    .action(async () => {
      const configuration = configured()
      const system = await serve(configuration, { masterKey: process.env.COUNTERSIGN_MASTER_KEY, onLost: endOnLoss })
      const { issuer, address } = system
      endOnSignal(system.close)
      process.stdout.write(
        `Countersign is ready at ${issuer}\n${describeStart(configuration, { issuer, address, switchedOff: system.server.switchedOff })}`,
      )
    })

  addStoreCommands(program, configured)

  addUserCommands(program, configured)
  addClientCommands(program, configured)

  const keys = program.command('keys').description('signing and refresh keys, whether the server runs or not')
  keys
    .command('list')
    .description('all keys and their states')
    .action(() => administer(configured(), 'keys list', ''))
  keys
    .command('rotate')
    .description('use the next signing key from now on; nobody notices')
    .action(() => administer(configured(), 'keys rotate', ''))
  keys
    .command('retire <key>')
    .description('emergency: kill a key and everything that it signed')
    .action((key: string) => administer(configured(), 'keys retire', key))

  program
    .command('revoke')
    .description(
      'kill every access token at once, whether the server runs or not; logins get new ones, nobody is logged out',
    )
    .requiredOption('--all', 'every one: single ones are revoked by `users`, `clients` and `keys`')
    .action(() => administer(configured(), 'revoke all', ''))

  addAuditCommands(program, configured)
  return program
}

/** Flags over environment over file. */
export function configurationOf(
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Configuration {
  const named = (flags.config as string | undefined) ?? (environment.COUNTERSIGN_CONFIG || undefined)
  const file = named ?? (existsSync(defaultFile) ? resolve(defaultFile) : undefined)
  const fileIsFrom = flags.config === undefined && named !== undefined ? 'COUNTERSIGN_CONFIG' : undefined
  return readConfiguration({ file, fileIsFrom, environment, flags, folder: standingFolder(environment, process.cwd()) })
}

const mendable = [
  WrongConfiguration,
  WrongDeclaration,
  WrongMasterKey,
  StoreUnavailable,
  BrokenAuditLog,
  RefusedCommand,
] as const

/** What an operator can mend is said in a sentence; anything else keeps its stack. */
export function explain(error: unknown): string {
  if (mendable.some(kind => error instanceof kind)) return (error as Error).message
  const { code, syscall, port } = error as { code?: unknown; syscall?: unknown; port?: unknown }
  if (code === 'EADDRINUSE') return `The port ${port} is in use. Choose another, with --port or in the configuration.`
  // A folder that may not be written, an address that is not this machine's: the message names it.
  if (typeof syscall === 'string') return (error as Error).message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
