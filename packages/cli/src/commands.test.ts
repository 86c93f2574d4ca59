import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
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

test('the page of operating names every command, and none besides', () => {
  const section = page.split('## Commands\n')[1] ?? ''
  const cells = section.split('\n').flatMap(line => (line.startsWith('| `') ? [line.split('|')[1] ?? ''] : []))
  const named = cells.flatMap(cell => [...cell.matchAll(/`(?:countersign )?([a-z -]+)`/g)].map(([, name]) => name))
  expect(named.toSorted()).toEqual(commandsBelow(createProgram()).toSorted())
})
