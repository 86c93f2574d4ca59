/**
 * `npm run simulate:measure`: the tables of docs/simulation.md, always the same.
 *
 * @module
 */
import { type ClientKind, measureLogouts, measureThieves } from './measure.ts'

const clients: readonly ClientKind[] = ['SDK, bound', 'SDK, unbound', 'plain, public', 'plain, with a secret']
const runs = 60

console.log(
  '| Client | Thief has | Comes every | Answered | Seen, of those | Until seen, p50 / p99 | Goes on for, p50 / p99 |',
)
console.log('|---|---|---|---|---|---|---|')
for (const client of clients) {
  for (const loot of ['token', 'request', 'profile'] as const) {
    if (loot === 'profile' && !client.startsWith('SDK')) continue
    for (const everySeconds of [15, 70, 300]) {
      const one = await measureThieves(client, loot, everySeconds, runs)
      const { untilNoticed, survival } = one
      console.log(
        `| ${client} | ${loot} | ${everySeconds} s | ${one.answered} of ${one.thefts} | ${one.noticed} | ${span(untilNoticed)} | ${span(survival)} |`,
      )
    }
  }
}
console.log('\n| Client | Comes again after | Refreshes | Logged out | In a million |')
console.log('|---|---|---|---|---|')
for (const client of clients) {
  for (const retryAfterSeconds of [0.1, 5, 60]) {
    // The SDK has its own habits.
    if (client.startsWith('SDK') && retryAfterSeconds > 0.1) continue
    const { refreshes, logouts } = await measureLogouts(client, retryAfterSeconds, runs * 3)
    const habit = client.startsWith('SDK') ? 'as the SDK does' : `${retryAfterSeconds} s`
    const inMillion = Math.round((logouts / refreshes) * 1e6).toLocaleString('en')
    console.log(`| ${client} | ${habit} | ${refreshes} | ${logouts} | ${inMillion} |`)
  }
}

function span({ p50, p99 }: { p50: number | undefined; p99: number | undefined }): string {
  const text = (value: number | undefined): string => (value === undefined ? '–' : `${Math.round(value / 1000)} s`)
  return `${text(p50)} / ${text(p99)}`
}
