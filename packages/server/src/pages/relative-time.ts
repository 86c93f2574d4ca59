import { type Html, html } from './html.ts'
import type { Language } from './language/language.ts'

// All times are milliseconds since 1970; `now` is an argument because pages have no clock.
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** A time as people say it: "5 minutes ago", "yesterday", from a week on the date (in UTC: the reader's zone is unknown). */
export function describeTime(time: number, now: number, language: Language): string {
  if (!isTime(time)) return language.texts.time.unknown
  const passed = now - time
  const relative = new Intl.RelativeTimeFormat(language.tag, { numeric: 'auto' })
  if (passed < minute) return language.texts.time.justNow
  if (passed < hour) return relative.format(-Math.floor(passed / minute), 'minute')
  if (passed < day) return relative.format(-Math.floor(passed / hour), 'hour')
  if (passed < 7 * day) return relative.format(-Math.floor(passed / day), 'day')
  return new Intl.DateTimeFormat(language.tag, { ...toTheDay, timeZone: 'UTC' }).format(time)
}

/** A time to the minute, in UTC: "12 Nov 2026, 09:30 UTC". */
export function exactTime(time: number, language: Language): string {
  if (!isTime(time)) return language.texts.time.unknown
  const format = new Intl.DateTimeFormat(language.tag, { ...toTheMinute, timeZone: 'UTC', timeZoneName: 'short' })
  return format.format(time)
}

// The name of the month: of 4/11 nobody knows which is which.
const toTheDay = { year: 'numeric', month: 'short', day: 'numeric' } as const
const toTheMinute = { ...toTheDay, hour: '2-digit', minute: '2-digit' } as const

/** The time as it is said, with the exact one behind it. */
export function timeElement(time: number, now: number, language: Language): Html {
  return html`<time datetime="${machineTime(time)}" title="${exactTime(time, language)}">${describeTime(time, now, language)}</time>`
}

/** RFC 3339 for `<time datetime>`; empty for what is no time. */
export function machineTime(time: number): string {
  return isTime(time) ? new Date(time).toISOString() : ''
}

/** A wait, rounded up so that nobody comes back too early: "30 seconds", "2 minutes", "1 hour". */
export function describeWait(seconds: number, language: Language): string {
  const whole = Math.max(1, Math.ceil(Number.isFinite(seconds) ? seconds : 60))
  if (whole <= 90) return amount(whole, 'second', language)
  if (whole <= 90 * 60) return amount(Math.ceil(whole / 60), 'minute', language)
  return amount(Math.ceil(whole / 3600), 'hour', language)
}

/** How long something lasts, rounded down: "45 minutes", "36 hours", "180 days". */
export function describeLifetime(seconds: number, language: Language): string {
  if (seconds >= 2 * 86_400) return amount(Math.floor(seconds / 86_400), 'day', language)
  if (seconds >= 2 * 3600) return amount(Math.floor(seconds / 3600), 'hour', language)
  return amount(Math.max(1, Math.floor(seconds / 60)), 'minute', language)
}

function amount(count: number, unit: 'second' | 'minute' | 'hour' | 'day', language: Language): string {
  return new Intl.NumberFormat(language.tag, { style: 'unit', unit, unitDisplay: 'long' }).format(count)
}

/** The range of ECMAScript dates, from 1970 on. */
function isTime(time: number): boolean {
  return Number.isFinite(time) && time >= 0 && time <= 8.64e15
}
