import { parseArgs } from 'node:util'

/** What the simulator was asked to do. */
export type Command = { readonly breaks?: string } & (
  | { readonly do: 'replay'; readonly seed: number; readonly json: boolean }
  | { readonly do: 'seeds'; readonly first: number; readonly count: number; readonly json: boolean }
  | { readonly do: 'minutes'; readonly first: number; readonly minutes: number; readonly json: boolean }
  | { readonly do: 'help' }
)

export const usage = `Usage: npm run simulate -- [options]

Plays the whole protocol under faults, and judges whether its promises were kept (docs/simulation.md).

  --seeds N     plays N seeds, as many as are given (default 1000)
  --minutes M   plays seeds for M minutes
  --seed N      replays one seed and tells it as a story
  --from N      the first seed to play (default 1)
  --break NAME  with one thing broken on purpose, to see it found; a wrong name lists them all
  --json        ends with one line: {"seeds", "events", "violations", "rows", "faults"}
  --help        this

Says every five seconds how far it is: seeds, events, faults, and how often each row of the refresh table (docs/refresh.md)
decided. A broken promise is told as the shortest story that still breaks it, with the command that replays it.
Exits 0 if every promise was kept, 1 if one was broken, 2 if the command cannot be read.`

/** Reads the command line. Throws with one sentence for a person if it cannot be read. */
export function readCommand(words: readonly string[]): Command {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      minutes: { type: 'string' },
      from: { type: 'string' },
      json: { type: 'boolean' },
      break: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const { seed, seeds, minutes, from, json = false, help } = values
  if (help) return { do: 'help' }
  const breaks = values.break === undefined ? {} : { breaks: values.break }
  const wanted = [seed, seeds, minutes].filter(value => value !== undefined)
  if (wanted.length > 1) throw new Error('Of --seed, --seeds and --minutes only one can be given.')
  if (seed !== undefined) {
    if (from !== undefined) throw new Error('--from does not go with --seed.')
    return { ...breaks, do: 'replay', seed: wholeNumber('--seed', seed, 0), json }
  }
  const first = from === undefined ? 1 : wholeNumber('--from', from, 0)
  if (minutes !== undefined) return { ...breaks, do: 'minutes', first, minutes: positive('--minutes', minutes), json }
  const count = seeds === undefined ? 1_000 : wholeNumber('--seeds', seeds, 1)
  return { ...breaks, do: 'seeds', first, count, json }
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least)) throw new Error(`${name} must be a whole number from ${least}, not "${text}".`)
  return value
}

function positive(name: string, text: string): number {
  const value = /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
  if (!(value > 0)) throw new Error(`${name} must be a number above zero, not "${text}".`)
  return value
}
