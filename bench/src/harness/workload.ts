export interface Settings {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  /** Short runs look whether everything works; their figures are not for quoting. */
  readonly short: boolean
  /** A temporary folder that the whole run shares. */
  readonly folder: string
  /** Our own command, bundled. */
  readonly command: string
  /** First process of the PostgreSQL server, where one stands behind what is measured. */
  readonly databasePid?: number
  readonly progress: (text: string) => void
}

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly notes: readonly string[]
}

/** Something to be reached, and what was. */
export interface Aim {
  readonly what: string
  readonly aim: string
  readonly reached: string
  readonly met: boolean
}

export interface Result {
  readonly tables: readonly Table[]
  readonly aims: readonly Aim[]
}

export interface Workload {
  readonly text: string
  /** About how long it takes with these settings, everything included. */
  readonly lastsSeconds: (settings: Settings) => number
  readonly run: (settings: Settings) => Promise<Result>
}

/** `unit` stands behind both figures, such as ` ms` or `×`. */
export function atLeast(what: string, least: number, value: number | undefined, unit: string, digits = 0): Aim {
  const met = value !== undefined && value >= least
  return {
    what,
    aim: `≥ ${figure(least, least % 1 === 0 ? 0 : 1)}${unit}`,
    reached: `${figure(value, digits)}${unit}`,
    met,
  }
}

export function atMost(what: string, most: number, value: number | undefined, unit: string, digits = 0): Aim {
  const met = value !== undefined && value <= most
  return { what, aim: `≤ ${figure(most)}${unit}`, reached: `${figure(value, digits)}${unit}`, met }
}

/** One after the other, round by round, so that a slow minute of the machine falls on all of them. */
export async function interleave<Subject extends { readonly name: string }, Outcome>(
  subjects: readonly Subject[],
  settings: Settings,
  measure: (subject: Subject, round: number) => Promise<Outcome>,
  describe: (outcome: Outcome) => string,
): Promise<{ subject: Subject; outcomes: Outcome[] }[]> {
  const results = subjects.map(subject => ({ subject, outcomes: [] as Outcome[] }))
  for (let round = 1; round <= settings.rounds; round++) {
    for (const { subject, outcomes } of results) {
      const outcome = await measure(subject, round)
      outcomes.push(outcome)
      settings.progress(`round ${round} of ${settings.rounds} · ${subject.name} · ${describe(outcome)}`)
    }
  }
  return results
}

/** Undefined for none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((x, y) => x - y)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle]
  if (upper === undefined || sorted.length % 2 === 1) return upper
  return ((sorted[middle - 1] ?? upper) + upper) / 2
}

/** Undefined for none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((x, y) => x - y)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

export function figure(value: number | undefined, digits = 0): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  return value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

export function ratio(ours: number | undefined, theirs: number | undefined): string {
  return ours && theirs ? `${(ours / theirs).toFixed(2)}×` : '–'
}
