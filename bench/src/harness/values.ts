/** How the value of an option is read; `undefined`: it is none. `wanted` says what one would be. */
export interface Reader<Value> {
  readonly wanted: string
  readonly read: (text: string) => Value | undefined
}

/** The words of a command line ask for what is not there; the message says so in a sentence. */
export class WrongWords extends Error {
  override readonly name = 'WrongWords'
}

export function readValue<Value>(name: string, text: string, { wanted, read }: Reader<Value>): Value {
  const value = read(text)
  if (value === undefined) throw new WrongWords(`--${name} takes ${wanted}, not "${text}".`)
  return value
}

const countOf = (text: string): number | undefined => (/^[1-9]\d{0,11}$/.test(text) ? Number(text) : undefined)

export const count: Reader<number> = { wanted: 'a whole number above 0', read: countOf }

export const countOrNone: Reader<number> = {
  wanted: 'a whole number',
  read: text => (text === '0' ? 0 : countOf(text)),
}

export const number: Reader<number> = {
  wanted: 'a number above 0',
  read: text => (/^\d{1,6}(\.\d{1,6})?$/.test(text) && Number(text) > 0 ? Number(text) : undefined),
}

export const text: Reader<string> = { wanted: 'a word', read: written => (written === '' ? undefined : written) }

/** Steps upwards, or one. */
export const risingCounts: Reader<readonly number[]> = {
  wanted: 'whole numbers above 0, each above the one before, with commas between them',
  read(written) {
    const counts = written.split(',').map(countOf)
    const rises = counts.every((one, place) => one !== undefined && one > (counts[place - 1] ?? 0))
    return rises ? (counts as number[]) : undefined
  },
}

/** From 0 to 1. */
export const shares: Reader<readonly number[]> = {
  wanted: 'numbers from 0 to 1, with commas between them',
  read(written) {
    const words = written.split(',')
    return words.every(word => /^(0|1|0\.\d{1,6})$/.test(word)) ? words.map(Number) : undefined
  },
}

/** Some of these, with commas between them. */
export function someOf(names: readonly string[]): Reader<readonly string[]> {
  return {
    wanted: `some of ${names.join(', ')}, with commas between them`,
    read(written) {
      const words = written.split(',')
      return words.every(word => names.includes(word)) ? words : undefined
    },
  }
}

/** Does it, or ends the process with 1 and the sentence. */
export function orEnd<T>(work: () => T, help = ''): T {
  try {
    return work()
  } catch (error) {
    const isTheirs = error instanceof WrongWords || isOfParser(error)
    if (!isTheirs) throw error
    console.error(`${(error as Error).message}${help && `\n\n${help}`}`)
    process.exit(1)
  }
}

/** What `parseArgs` throws of words that it does not know. */
function isOfParser(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')
}
