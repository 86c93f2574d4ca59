import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { count, orEnd, type Reader, readValue, WrongWords } from './values.ts'

/** What a benchmark is asked for. */
export interface Asked<Own extends object> {
  /** What to measure, in the order of the list or as it was named. */
  readonly names: readonly string[]
  /** Everything there is: nothing was named. */
  readonly isWhole: boolean
  readonly short: boolean
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly folder: string
  readonly write: string | undefined
  /** Of the options that this benchmark alone has: those that were given. */
  readonly own: Readonly<Partial<Own>>
}

export interface CommandLine<Own extends object> {
  /** After `npm run`. */
  readonly command: string
  /** What there is to measure: by name, in a line of words. */
  readonly measures: Readonly<Record<string, string>>
  /** Seconds of each contestant per round, unless told otherwise. */
  readonly seconds: number
  /** The page that the figures belong to. */
  readonly page: string
  readonly own: { readonly [Name in keyof Own]: OwnOption<Own[Name]> }
  readonly closing?: string
}

interface OwnOption<Value> {
  readonly value: string
  readonly text: string
  readonly reader: Reader<Value>
}

/** Reads what was asked for. Ends the process after `--help`, and with 1 and a sentence where something is asked for that is not there. */
export function readCommandLine<Own extends object>(line: CommandLine<Own>): Asked<Own> {
  const asked = orEnd(() => readWords(line, process.argv.slice(2)), helpOf(line))
  if (asked !== 'help') return asked
  console.log(helpOf(line))
  process.exit(0)
}

/** Throws `WrongWords`, or what `parseArgs` does. */
export function readWords<Own extends object>(line: CommandLine<Own>, words: readonly string[]): Asked<Own> | 'help' {
  const texts = ['rounds', 'seconds', 'connections', 'folder', 'write', ...Object.keys(line.own)]
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      ...Object.fromEntries(texts.map(name => [name, { type: 'string' }] as const)),
      short: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) return 'help'
  const textOf = (name: string): string | undefined => (values as Record<string, string | undefined>)[name]
  const countOf = (name: string, otherwise: number): number => readValue(name, textOf(name) ?? String(otherwise), count)
  const unknown = positionals.find(name => !Object.hasOwn(line.measures, name))
  if (unknown !== undefined) throw new WrongWords(`There is no "${unknown}" to measure.`)
  const write = textOf('write')
  if (write !== undefined && !existsSync(write))
    throw new WrongWords(`${write} is not there: figures are written into a page that is.`)
  const short = values.short === true
  const own = Object.entries<OwnOption<unknown>>(line.own).flatMap(([name, { reader }]) => {
    const text = textOf(name)
    return text === undefined ? [] : [[name, readValue(name, text, reader)] as const]
  })
  return {
    names: positionals.length > 0 ? positionals : Object.keys(line.measures),
    isWhole: positionals.length === 0,
    short,
    rounds: countOf('rounds', short ? 1 : 3),
    seconds: countOf('seconds', short ? 1 : line.seconds),
    connections: countOf('connections', 32),
    folder: textOf('folder') ?? tmpdir(),
    write,
    own: Object.fromEntries(own) as Partial<Own>,
  }
}

function helpOf<Own extends object>({ command, measures, seconds, page, own, closing }: CommandLine<Own>): string {
  const options: [string, string][] = [
    ['--short', 'one short round: does everything work? The figures are not for quoting'],
    ['--rounds N', 'rounds, in which the contestants take turns; medians are printed (3)'],
    ['--seconds N', `seconds that each of them is measured, per round (${seconds})`],
    ['--connections N', 'keep-alive connections, one request under way on each (32)'],
    ['--folder PATH', `where databases go: the disk that is measured (${tmpdir()})`],
    ['--write FILE.md', `also writes the figures into a page, between its two marks: ${page}`],
    ...Object.entries<OwnOption<unknown>>(own).map(([name, { value, text }]): [string, string] => [
      `--${name} ${value}`,
      text,
    ]),
  ]
  const list = (rows: readonly (readonly [string, string])[]): string => {
    const width = Math.max(...rows.map(([word]) => word.length)) + 2
    return rows.map(([word, text]) => `  ${word.padEnd(width)}${text}`).join('\n')
  }
  const sections = [
    `npm run ${command} -- [options] [what to measure …]     all of it if nothing is named`,
    list(Object.entries(measures)),
    list(options),
  ]
  return [...sections, ...(closing === undefined ? [] : [closing])].join('\n\n')
}
