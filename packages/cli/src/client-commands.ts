import type { Command } from 'commander'
import { administer } from './administer.ts'
import type { Configuration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { numberOption } from './number-option.ts'
import { type ClientCommand, secretSecondsAtMost } from './run-client-command.ts'

const settingsHelp = `
Settings are key=value, lists separated by commas. Each is described in docs/configuration.md, "A client".

A job of yours, which gets tokens for itself (POST /token, grant type client_credentials):
  countersign clients add job authentication_method=client_secret_basic grant_types=client_credentials scopes=notes:read audiences=urn:notes
An application of others, which signs users in:
  countersign clients add orchard name=Orchard redirect_uris=https://orchard.example/callback scopes=openid,profile`

const seconds = numberOption({ of: 'seconds', least: 0, most: secretSecondsAtMost })

/** The operator's commands about clients. Their settings are those of the configuration file: `key=value`, lists separated by commas. */
export function addClientCommands(program: Command, configured: () => Configuration): void {
  const clients = program.command('clients').description('applications, whether the server runs or not')
  const ask = (command: ClientCommand, argument: object): Promise<void> =>
    administer(configured(), `clients ${command}`, JSON.stringify(argument))
  clients
    .command('list')
    .description('a thousand at most, in the order of their ids')
    .option('--after <client>', 'only those after this one', '')
    .action(({ after }: { after: string }) => ask('list', { after }))
  clients
    .command('add <client> [settings...]')
    .description('make one; its secret, if it has one, is shown this once')
    .addHelpText('after', settingsHelp)
    .action((client: string, settings: string[]) => ask('add', { client, settings: readSettings(settings) }))
  clients
    .command('set <client> <settings...>')
    .description('change what is named; what is not stays')
    .addHelpText('after', settingsHelp)
    .action((client: string, settings: string[]) => ask('set', { client, settings: readSettings(settings) }))
  clients
    .command('rotate-secret <client>')
    .description('one more secret, shown this once; two are good at a time')
    .option('--old-expires-in <seconds>', 'how long the one before is still good; 0: no more', seconds)
    .option('--expires-in <seconds>', 'how long the new one is good (default: for ever)', seconds)
    .action((client: string, { oldExpiresIn, expiresIn }: { oldExpiresIn?: number; expiresIn?: number }) =>
      ask('rotate-secret', { client, old_expires_in: oldExpiresIn, expires_in: expiresIn }),
    )
  clients
    .command('retire-secret <client> <secret>')
    .description('end a secret, by its name')
    .action((client: string, secret: string) => ask('retire-secret', { client, secret }))
  for (const [name, what] of [
    ['show', 'everything that is set'],
    ['disable', 'end everything of it and refuse it'],
    ['enable', 'let a disabled one in again'],
    ['remove', 'end everything of it and take it away'],
    ['revoke', 'end everything that it was given; it can begin anew'],
  ] as const) {
    clients
      .command(`${name} <client>`)
      .description(what)
      .action((client: string) => ask(name, { client }))
  }
}

const lists: ReadonlySet<string> = new Set([
  'contacts',
  'grant_types',
  'redirect_uris',
  'post_logout_redirect_uris',
  'scopes',
  'default_scopes',
  'audiences',
  'serves',
])

/** `key=value`: lists split at commas, what is JSON (a number, true, null, keys) as that, all else as text. */
export function readSettings(written: readonly string[]): Readonly<Record<string, unknown>> {
  const settings: Record<string, unknown> = {}
  for (const one of written) {
    const cut = one.indexOf('=')
    if (cut < 1) throw new WrongConfiguration(`"${one}" is no setting; write key=value.`)
    const [key, text] = [one.slice(0, cut), one.slice(cut + 1)]
    settings[key] = lists.has(key) ? text.split(',').filter(Boolean) : readValue(text)
  }
  return settings
}

function readValue(text: string): unknown {
  if (!/^(-?\d|true$|false$|null$|[[{])/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
