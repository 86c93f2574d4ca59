import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { Command } from 'commander'
import { administer } from './administer.ts'
import type { Configuration } from './configuration.ts'
import { WrongConfiguration } from './configuration-problems.ts'
import { numberOption } from './number-option.ts'
import { invitationDays } from './run-user-command.ts'

const rightsHelp = `
Rights are key=value, lists separated by commas; attributes are JSON. What is named is replaced, what is not stays:
  countersign users set maria@example.com roles=editor,admin attributes='{"tenant":"acme"}'
  countersign users set maria@example.com roles=`

/** The operator's commands about people's accounts. */
export function addUserCommands(program: Command, configured: () => Configuration): void {
  const users = program.command('users').description('people’s accounts, whether the server runs or not')
  users
    .command('list')
    .description(
      'a thousand at most, in the order of their ids: of those who were made here the order in which they came',
    )
    .option(
      '--after <user>',
      'only those after this one, by its id; imported ids stand anywhere, so this does not find everybody who is new',
      '',
    )
    .action(({ after }: { after: string }) => administer(configured(), 'users list', after))
  users
    .command('add <email>')
    .description('make one; the password is asked for, or read from standard input, and never an argument')
    .option('--name <name>', 'how they are called')
    .option('--no-password', 'without one: they sign in by other means')
    .action(async (email: string, { name, password }: { name?: string; password: boolean }) => {
      const secret = password ? { password: await readPassword() } : {}
      await administer(
        configured(),
        'users add',
        JSON.stringify({ email, ...(name !== undefined && { name }), ...secret }),
      )
    })
  users
    .command('set <user> <rights...>')
    .description('change what they may do: roles, groups, permissions, attributes (by id or e-mail address)')
    .addHelpText('after', rightsHelp)
    .action((user: string, written: string[]) =>
      administer(configured(), 'users set', JSON.stringify({ user, rights: readRights(written) })),
    )
  addImportCommands(users, configured)
  addInvitationCommands(users, configured)
  for (const [name, what] of [
    ['show', 'who it is, what they may do, and where they are signed in'],
    ['disable', 'end everything of a user and refuse to sign them in'],
    ['enable', 'let a disabled user sign in again'],
    ['delete', 'end everything of a user and erase what is personal'],
  ] as const) {
    users
      .command(`${name} <user>`)
      .description(`${what} (by id or e-mail address)`)
      .action((who: string) => administer(configured(), `users ${name}`, who))
  }
}

const days = numberOption({ of: 'days', ...invitationDays, allowsFractions: true })

const importHelp = `
A user a line, as JSON. All members are optional, but there must be an id, an email or an identity:
  id             of this server or a UUID; it becomes the user's id, and so the sub of tokens
  email          and email_verified: true if it was shown to be theirs
  name, profile  the claims of OpenID Connect Core §5.1: given_name, family_name, locale …
  password_hash  of bcrypt, scrypt, PBKDF2 or argon2; the next sign-in replaces it by one of this server
  identities     [{"connection": "google", "subject": "1234"}]: how connections know them
  roles, groups, permissions, attributes, disabled, created_at
Who is there already is left alone, so that an import that was broken off is simply done again. If anybody may have been deleted here or have changed their address since,
give each line an id or an identity: a line with an address alone makes them anew, with the old password. What is wrong with a line is printed, as JSON. See docs/moving.md.`

function addImportCommands(users: Command, configured: () => Configuration): void {
  users
    .command('import <file>')
    .description('make users of another system here, with their passwords’ hashes; - reads standard input')
    .option('--dry-run', 'judge every line, and write nothing')
    .addHelpText('after', importHelp)
    .action(async (file: string, { dryRun = false }: { dryRun?: boolean }) => {
      const { importFile } = await import('./import-users.ts')
      await importFile(configured(), file, dryRun)
    })
  users
    .command('imported')
    .description('how many have not signed in since they were imported; what none is left of costs sign-ins no more')
    .action(() => administer(configured(), 'users imported', ''))
}

function addInvitationCommands(users: Command, configured: () => Configuration): void {
  users
    .command('invite <email> [rights...]')
    .description(
      'send somebody a link with which they make an account, with these rights if any are named; in the place of an earlier one',
    )
    .option('--link', 'print the link and send no mail: the address is then not shown to be theirs')
    .option('--days <number>', 'how long it can be accepted (default: invitation_days)', days)
    .option('--language <tag>', 'of the mail (default: the first one of the pages)')
    .option('--client <client>', 'the application to whose uri they go on (default: to their account page)')
    .addHelpText('after', rightsHelp)
    .action((email: string, written: string[], { link, days, language, client }: InviteOptions) =>
      administer(
        configured(),
        'users invite',
        JSON.stringify({
          email,
          delivery: link ? 'link' : 'mail',
          ...(days !== undefined && { days }),
          ...(language !== undefined && { language }),
          ...(client !== undefined && { client_id: client }),
          ...(written.length > 0 && { rights: readRights(written) }),
        }),
      ),
    )
  users
    .command('invitations')
    .description('those that can be accepted, in the order in which they were made')
    .action(() => administer(configured(), 'users invitations', ''))
  users
    .command('uninvite <invitation>')
    .description('take an invitation back (by id or e-mail address)')
    .action((who: string) => administer(configured(), 'users uninvite', who))
}

interface InviteOptions {
  readonly link?: boolean
  readonly days?: number
  readonly language?: string
  readonly client?: string
}

/** `key=value`: lists split at commas, attributes as JSON. */
export function readRights(written: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    written.map(one => {
      const cut = one.indexOf('=')
      if (cut < 1) throw new WrongConfiguration(`"${one}" is nothing that can be set; write key=value.`)
      const [key, text] = [one.slice(0, cut), one.slice(cut + 1)]
      return [key, key === 'attributes' ? readJson(text) : text.split(',').filter(Boolean)]
    }),
  )
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new WrongConfiguration('attributes must be a JSON object.')
  }
}

/** Not shown while it is typed. From a pipe: the first line. */
async function readPassword(): Promise<string> {
  const { stdin, stdout, stderr } = process
  const isAsked = stdin.isTTY === true && stdout.isTTY === true
  if (isAsked) stderr.write('Password: ')
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: silent, terminal: isAsked })
  try {
    for await (const line of lines) return line
    throw new WrongConfiguration('There is no password on standard input.')
  } finally {
    lines.close()
    if (isAsked) stderr.write('\n')
  }
}
