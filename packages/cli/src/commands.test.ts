import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Command, CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from './commands.ts'

const page = readFileSync(fileURLToPath(new URL('../../../docs/operating.md', import.meta.url)), 'utf8')

/** As they are typed after `countersign`. */
function commandsBelow(command: Command, path = ''): readonly string[] {
  return command.commands.flatMap(one => {
    const name = `${path}${one.name()}`
    return one.commands.length === 0 ? [name] : commandsBelow(one, `${name} `)
  })
}

const everyCommand = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(everyCommand)]

test.each([
  [
    'users invite a@example.com --days soon',
    "'--days <number>' argument 'soon' is invalid. It must be a number of days from",
  ],
  [
    'clients rotate-secret job --expires-in 1h',
    "'--expires-in <seconds>' argument '1h' is invalid. It must be a whole number of seconds",
  ],
  [
    'clients rotate-secret job --old-expires-in -1',
    "'--old-expires-in <seconds>' argument '-1' is invalid. It must be a whole number of",
  ],
  ['audit prune', "required option '--before <when>' not specified"],
  ['audit prune --before 1y', "'--before <when>' argument '1y' is invalid. It must be a day such as"],
  ['audit export --after x', "'--after <number>' argument 'x' is invalid. It must be a whole number from"],
])('%s is refused by the option that is wrong, before anything is opened', async (words, message) => {
  const said: string[] = []
  const program = createProgram()
  for (const one of everyCommand(program))
    one.exitOverride().configureOutput({ writeErr: text => void said.push(text) })
  await expect(program.parseAsync(['node', 'countersign', ...words.split(' ')])).rejects.toThrow(CommanderError)
  expect(said.join('')).toContain(message)
})

test('the page of operating names every command, and none besides', () => {
  const section = page.split('## Commands\n')[1] ?? ''
  const cells = section.split('\n').flatMap(line => (line.startsWith('| `') ? [line.split('|')[1] ?? ''] : []))
  const named = cells.flatMap(cell => [...cell.matchAll(/`(?:countersign )?([a-z -]+)`/g)].map(([, name]) => name))
  expect(named.toSorted()).toEqual(commandsBelow(createProgram()).toSorted())
})
