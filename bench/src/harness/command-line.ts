import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'

/** What a benchmark is asked for. */
export interface Asked<Own extends string> {
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
  readonly own: Readonly<Partial<Record<Own, string>>>
}

export interface CommandLine<Own extends string> {
  /** After `npm run`. */
  readonly command: string
  /** What there is to measure: by name, in a line of words. */
  readonly measures: Readonly<Record<string, string>>
  /** Seconds of each contestant per round, unless told otherwise. */
  readonly seconds: number
  /** The page that the figures belong to. */
  readonly page: string
  readonly own: Readonly<Record<Own, { readonly value: string; readonly text: string }>>
  readonly closing?: string
}

/** Reads what was asked for. Ends the process after `--help`, and with 1 and a sentence where something is asked for that is not there. */
export function readCommandLine<Own extends string>(
  line: CommandLine<Own>,
  words: readonly string[] = process.argv.slice(2),
): Asked<Own> {
  const refuse = (why: string): never => {
    console.error(`${why}\n\n${helpOf(line)}`)
    process.exit(1)
  }
  const { values, positionals } = parse(line, words, refuse)
  if (values.help === true) {
    console.log(helpOf(line))
    process.exit(0)
  }
  const text = (name: string): string | undefined => values[name] as string | undefined
  const count = (name: string, otherwise: number): number => {
    const given = Number(text(name) ?? otherwise)
    return Number.isInteger(given) && given > 0 ? given : refuse(`--${name} takes a whole number above 0.`)
  }
  const unknown = positionals.find(name => !Object.hasOwn(line.measures, name))
  if (unknown !== undefined) refuse(`There is no "${unknown}" to measure.`)
  const write = text('write')
  if (write !== undefined && !existsSync(write))
    refuse(`${write} is not there: figures are written into a page that is.`)
  const short = values.short === true
  return {
    names: positionals.length > 0 ? positionals : Object.keys(line.measures),
    isWhole: positionals.length === 0,
    short,
    rounds: count('rounds', short ? 1 : 3),
    seconds: count('seconds', short ? 1 : line.seconds),
    connections: count('connections', 32),
    folder: text('folder') ?? tmpdir(),
    write,
    own: Object.fromEntries(Object.keys(line.own).flatMap(name => (text(name) ? [[name, text(name)]] : []))) as Partial<
      Record<Own, string>
    >,
  }
}

function parse(
  line: CommandLine<string>,
  words: readonly string[],
  refuse: (why: string) => never,
): { values: Readonly<Record<string, unknown>>; positionals: readonly string[] } {
  const texts = ['rounds', 'seconds', 'connections', 'folder', 'write', ...Object.keys(line.own)]
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(texts.map(name => [name, { type: 'string' }] as const)),
        short: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function helpOf({ command, measures, seconds, page, own, closing }: CommandLine<string>): string {
  const options: [string, string][] = [
    ['--short', 'one short round: does everything work? The figures are not for quoting'],
    ['--rounds N', 'rounds, in which the contestants take turns; medians are printed (3)'],
    ['--seconds N', `seconds that each of them is measured, per round (${seconds})`],
    ['--connections N', 'keep-alive connections, one request under way on each (32)'],
    ['--folder PATH', `where databases go: the disk that is measured (${tmpdir()})`],
    ['--write FILE.md', `also writes the figures into a page, between its two marks: ${page}`],
    ...Object.entries(own).map(([name, { value, text }]): [string, string] => [`--${name} ${value}`, text]),
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
