import { once } from 'node:events'
import type { ErrorBody } from '@countersign/protocol'
import type { ImportLine, ImportOutcome, RefusedLine } from '@countersign/server'
import { type Ask, operate, RefusedCommand } from './administer.ts'
import type { Configuration } from './configuration.ts'
import { fileLines, lineBytesAtMost } from './file-lines.ts'
import { bytesOf } from './json-file.ts'

/** So many users in one commit. */
const linesAtOnce = 100
const charactersAtOnce = 1_000_000

/** The command `users import`: what is refused goes to standard output, a JSON object a line; how far it is, to standard error. */
export async function importFile(configuration: Configuration, file: string, isDryRun: boolean): Promise<void> {
  const print = async (refused: RefusedLine): Promise<void> => {
    if (!process.stdout.write(`${JSON.stringify(refused)}\n`)) await once(process.stdout, 'drain')
  }
  const progress = (said: Progress): void => void process.stderr.write(`\r${describe(said, isDryRun)}`)
  let isDone = false
  try {
    const chunks = file === '-' ? process.stdin : bytesOf(file)
    const said = await operate(configuration, ask => importLines({ chunks, ask, isDryRun, print, progress }))
    isDone = true
    process.stderr.write(`\n${warningOf(said)}`)
    if (said.refused > 0) process.exitCode = 1
  } finally {
    if (!isDone) process.stderr.write('\nBroken off. Do it again: who is there already is left alone.\n')
  }
}

/** What is said while there is still a file to change; empty if there is nothing. */
function warningOf({ nameless }: Pick<Progress, 'nameless'>): string {
  if (nameless === 0) return ''
  return `${nameless} of them have neither an id nor an identity. Import no such line again later: whoever was deleted here by then, or has changed their address, would be made once more, with the password of the file.\n`
}

export interface Progress {
  readonly line: number
  readonly imported: number
  /** Of them, those with neither an id nor an identity. */
  readonly nameless: number
  readonly there: number
  readonly refused: number
}

export interface ImportLinesOptions {
  readonly chunks: AsyncIterable<Uint8Array>
  readonly ask: Ask
  readonly isDryRun: boolean
  readonly print: (refused: RefusedLine) => Promise<void>
  readonly progress: (said: Progress) => void
}

export async function importLines({ chunks, ask, isDryRun, print, progress }: ImportLinesOptions): Promise<Progress> {
  let said: Progress = { line: 0, imported: 0, nameless: 0, there: 0, refused: 0 }
  let lines: ImportLine[] = []
  let characters = 0
  let unread: RefusedLine[] = []

  async function send(last: number): Promise<void> {
    const argument = JSON.stringify({ dry_run: isDryRun, lines })
    const { failed, result } = await ask('users import', argument)
    if (failed) throw new RefusedCommand(result as ErrorBody)
    const { imported, nameless, there, refused } = result as ImportOutcome
    const all = [...refused, ...unread].sort((one, other) => one.line - other.line)
    for (const one of all) await print(one)
    said = {
      line: last,
      imported: said.imported + imported,
      nameless: said.nameless + nameless,
      there: said.there + there,
      refused: said.refused + all.length,
    }
    lines = []
    characters = 0
    unread = []
    progress(said)
  }

  let last = 0
  for await (const { line, text } of fileLines(chunks)) {
    last = line
    if (text === undefined) unread.push({ line, reason: 'request_malformed', detail: unreadable })
    else if (text.trim() !== '') lines.push({ line, text })
    characters += text?.length ?? 0
    if (lines.length + unread.length >= linesAtOnce || characters >= charactersAtOnce) await send(last)
  }
  await send(last)
  return said
}

const unreadable = `The line is no UTF-8, or has more than ${lineBytesAtMost} bytes.`

function describe({ line, imported, there, refused }: Progress, isDryRun: boolean): string {
  const done = isDryRun ? 'would be imported' : 'imported'
  return `line ${line}: ${imported} ${done}, ${there} there already, ${refused} refused`
}
