/**
 * `npm run simulate:measure`: the tables of docs/simulation.md, always the same.
 *
 * @module
 */
import type { Loot } from '../plan/plan.ts'
import { type ClientKind, measureLogouts, measureThieves, type Pace } from './measure.ts'

const clients: readonly ClientKind[] = ['SDK, bound', 'SDK, unbound', 'plain, public', 'plain, with a secret']
const runs = 60

const columns = 'Answered | Seen | Until seen, p50 / p99 | Goes on for, p50 / p99 |'
say(`| Client | Thief has | Comes every | ${columns}`)
say('|---|---|---|---|---|---|---|')
for (const client of clients) {
  for (const loot of ['token', 'request', 'profile'] as const) {
    if (loot === 'profile' && !client.startsWith('SDK')) continue
    for (const everySeconds of [15, 70, 300]) {
      say(`| ${client} | ${loot} | ${everySeconds} s | ${await theftRow(client, loot, { everySeconds })}`)
    }
  }
}
for (const loot of ['database', 'refresh key', 'signing key'] as const) {
  say(`| SDK, bound | ${loot} | 70 s | ${await theftRow('SDK, bound', loot, { everySeconds: 70 })}`)
}
say(
  `| by code, with consent | code | at once | ${await theftRow('by code, with consent', 'code', { everySeconds: 70 })}`,
)

say(`\n| Client | Thief has | Comes after the victim | ${columns}`)
say('|---|---|---|---|---|---|---|')
const inStep = [
  ['SDK, bound', 'profile'],
  ['SDK, unbound', 'token'],
  ['plain, public', 'token'],
] as const
for (const [client, loot] of inStep) {
  for (const secondsAfterVictim of [10, 19, 21, 45]) {
    say(`| ${client} | ${loot} | ${secondsAfterVictim} s | ${await theftRow(client, loot, { secondsAfterVictim })}`)
  }
}

say('\n| Client | Comes again after | Refreshes | Logged out | In a million | Flagged |')
say('|---|---|---|---|---|---|')
for (const client of clients) {
  for (const retryAfterSeconds of [0.1, 5, 60]) {
    // The SDK has its own habits.
    if (client.startsWith('SDK') && retryAfterSeconds > 0.1) continue
    const { refreshes, logouts, flags } = await measureLogouts(client, retryAfterSeconds, runs * 3)
    const habit = client.startsWith('SDK') ? 'as the SDK does' : `${retryAfterSeconds} s`
    const inMillion = Math.round((logouts / refreshes) * 1e6).toLocaleString('en')
    say(`| ${client} | ${habit} | ${refreshes} | ${logouts} | ${inMillion} | ${flags} |`)
  }
}

async function theftRow(client: ClientKind, loot: Loot, pace: Pace): Promise<string> {
  const { answered, thefts, noticed, untilNoticed, survival } = await measureThieves(client, loot, pace, runs)
  return `${answered} of ${thefts} | ${noticed} | ${span(untilNoticed)} | ${span(survival)} |`
}

function span({ p50, p99 }: { p50: number | undefined; p99: number | undefined }): string {
  const text = (value: number | undefined): string => (value === undefined ? '–' : `${Math.round(value / 1000)} s`)
  return `${text(p50)} / ${text(p99)}`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
