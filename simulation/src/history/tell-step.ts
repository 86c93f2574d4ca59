import type { Step } from '../plan/plan.ts'
import type { Weather } from '../world/network.ts'

/** A step of a plan in words, for the story. Nodes and tabs are numbered from 1, as everywhere. */
export function tellStep(step: Step): string {
  switch (step.do) {
    case 'sign in':
    case 'sign out':
    case 'use':
    case 'refresh':
    case 'freeze':
    case 'reopen':
    case 'wake':
      return `${step.party} ${tabDeeds[step.do]}${step.tab > 0 ? ` in tab ${step.tab + 1}` : ''}`
    case 'weather':
      return `${step.party}'s line: ${tellWeather(step.weather)}, for ${span(step.for)}`
    case 'device clock':
      return `${step.party}'s clock jumps by ${span(step.by)}`
    case 'node clock':
      return `the clock of ${nodeOf(step)} jumps by ${span(step.by)}`
    case 'store clock':
      return `the store's clock jumps by ${span(step.by)}`
    case 'rotate keys':
      return 'the signing keys turn'
    case 'retire key':
      return 'the signing key is retired at once'
    case 'repeat code':
      return `${step.party} presents its last code again`
    case 'take consent back':
      return `the user takes back what ${step.party} was allowed`
    case 'end session':
      return `the operator ends the session of ${step.party}`
    case 'log out everywhere':
      return `${step.party}'s user logs out everywhere`
    case 'change password':
      return `${step.party}'s user changes the password`
    case 'end all':
      return `the operator ends all sessions of ${step.user}`
    case 'disable':
    case 'enable':
      return `the operator ${step.do}s ${step.user}`
    case 'steal':
      return `a thief copies the ${step.loot} of ${step.party}${step.tab > 0 ? `, tab ${step.tab + 1}` : ''}`
    case 'thief acts':
      return `${step.thief} acts`
    default:
      return tellBreakdown(step)
  }
}

const tabDeeds = {
  'sign in': 'signs in',
  'sign out': 'signs out',
  use: 'calls an API',
  refresh: 'refreshes',
  freeze: 'is killed',
  reopen: 'is opened anew',
  wake: 'wakes',
} as const

type Breakdown = Extract<
  Step,
  { readonly node: number } | { readonly do: 'disk full' | 'crash store' | 'stale replica' | 'restore' | 'sleep' }
>

function tellBreakdown(step: Breakdown): string {
  switch (step.do) {
    case 'crash node':
      return `${nodeOf(step)} is killed, and starts ${span(step.for)} later`
    case 'crash in step':
      return `${nodeOf(step)} dies at its ${ordinal(step.step)} step from now, and starts ${span(step.for)} from now`
    case 'cut store':
      return `${nodeOf(step)} does not reach the store for ${span(step.for)}`
    case 'cut ring':
      return `${nodeOf(step)} cannot read the key ring for ${span(step.for)}`
    case 'signing fails':
      return `the signing key of ${nodeOf(step)} does not answer for ${span(step.for)}`
    case 'slow store':
      return `every second call of ${nodeOf(step)} to the store takes up to ${span(step.by)} longer, for ${span(step.for)}`
    case 'unknown outcomes':
      return `${nodeOf(step)} is not told of two commits in five, for ${span(step.for)}`
    case 'disk full':
      return `the disk is full for ${span(step.for)}`
    case 'crash store': {
      const kept = step.keeps > 0 ? `, all but ${percent(step.keeps)}` : ''
      return `the store crashes and forgets what it has not synced of the last ${span(step.forgets)}${kept}; it is back after ${span(step.for)}`
    }
    case 'stale replica':
      return `a replica that is ${span(step.lag)} behind becomes the primary`
    case 'restore':
      return `the backup from ${span(step.age)} ago is restored, ${step.journal ? 'with' : 'without'} the revocation journal`
    case 'sleep':
      return `everything is switched off for ${span(step.for)}`
    default:
      throw new Error(`nobody tells of "${(step as Step).do}"`)
  }
}

function nodeOf({ node }: { readonly node: number }): string {
  return `node ${node + 1}`
}

function tellWeather(weather: Partial<Weather>): string {
  const { offline, loseRequest, loseAnswer, repeat, repeatWithin = 0, delay, delayWithin = 0 } = weather
  const parts = [
    offline && 'cut',
    loseRequest && `requests lost (${percent(loseRequest)})`,
    loseAnswer && `answers lost (${percent(loseAnswer)})`,
    repeat && `requests repeated within ${span(repeatWithin)} (${percent(repeat)})`,
    delay && `requests delayed by up to ${span(delayWithin)} (${percent(delay)})`,
    weather.shuffle && `messages of the feed out of order (${percent(weather.shuffle)})`,
    weather.double && `messages of the feed twice (${percent(weather.double)})`,
  ]
  return parts.filter(Boolean).join(', ') || 'fair'
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}

function ordinal(number: number): string {
  return `${number}${['th', 'st', 'nd', 'rd'][number] ?? 'th'}`
}

/** Milliseconds in the unit that reads best. */
function span(milliseconds: number): string {
  const size = Math.abs(milliseconds)
  const sign = milliseconds < 0 ? '−' : ''
  const [unit, divisor] =
    size < 1_000
      ? ['ms', 1]
      : size < 120_000
        ? ['s', 1_000]
        : size < 7_200_000
          ? ['min', 60_000]
          : size < 172_800_000
            ? ['h', 3_600_000]
            : ['days', 86_400_000]
  return `${sign}${Number((size / Number(divisor)).toFixed(1))} ${unit}`
}
