import type { WantedCut } from '@countersign/server'
import { InvalidArgumentError } from 'commander'

const age = /^(\d{1,5})d$/
const moment = /^(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/

/** Reads until when something is to go: a day (its beginning, UTC) or a moment, as RFC 3339 writes them, or an age in days. */
export function cutOption(text: string): WantedCut {
  const days = age.exec(text)?.[1]
  if (days !== undefined) return { days: Number(days) }
  const before = momentOf(text)
  if (before !== undefined) return { before }
  throw new InvalidArgumentError(
    'It must be a day such as 2026-01-31, a moment such as 2026-01-31T12:00:00Z, or an age such as 365d.',
  )
}

function momentOf(text: string): number | undefined {
  const [, year, month, day] = moment.exec(text) ?? []
  if (year === undefined) return undefined
  // The 31st of February is no day, and none of March either.
  const midnight = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  const time = Date.parse(text)
  const isDay = midnight.getUTCMonth() === Number(month) - 1 && midnight.getUTCDate() === Number(day)
  return isDay && !Number.isNaN(time) ? time : undefined
}
