/** Something to press and watch. */
export interface Experiment {
  readonly id: string
  readonly title: string
  readonly explanation: string
  readonly actions: readonly Action[]
  /** Of an element below the buttons, if the experiment shows something of its own. */
  readonly placeId?: string
}

export interface Action {
  readonly id: string
  readonly label: string
  /** Reports what it sees as it goes along. A throw is shown, too. */
  run(report: Report): Promise<void>
}

export type Tone = 'plain' | 'good' | 'bad'

export type Report = (text: string, tone?: Tone) => void

export function wait(milliseconds: number): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, milliseconds))
}

/** How many of each: `20 × 200`, `3 × 200, 1 × 401`. */
export function tally(values: readonly (number | string)[]): string {
  const counts = new Map<number | string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].map(([value, count]) => `${count} × ${value}`).join(', ')
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
