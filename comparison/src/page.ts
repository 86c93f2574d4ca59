import type { HonestRow, TheftRow } from './compare-servers.ts'
import type { SdkRow } from './sdks/compare-sdks.ts'

/** Below this line of the page stands what was measured. */
export const marker = '<!-- Figures: written by npm run compare -- --write. Changes here are lost. -->'

export interface Measured {
  readonly date: string
  readonly node: string
  readonly machine: string
  readonly versions: Readonly<Record<string, string>>
  readonly logins: number
  readonly rounds: number
  readonly honest: readonly HonestRow[]
  readonly thefts: readonly TheftRow[]
  readonly sdks: readonly SdkRow[]
}

export function measuredPage(measured: Measured): string {
  const { date, node, machine, versions, logins, rounds, honest, thefts, sdks } = measured
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const facts = `- ${date}, Node ${node}, ${machine}
- ${named.join(', ')}
- ${logins} logins and thefts for each line of the servers, ${rounds} expiries for each line of the SDKs`
  const parts = [
    facts,
    ...(honest.length > 0 ? [honestTable(honest)] : []),
    ...(thefts.length > 0 ? [theftTable(thefts)] : []),
    ...(sdks.length > 0 ? [sdkTable(sdks)] : []),
  ]
  return parts.join('\n\n')
}

function honestTable(honest: readonly HonestRow[]): string {
  return `### Logged out wrongly

Of 1,000 logins; nobody has signed out, and no thief is about. "Refused": at least one request of the app was told \`invalid_grant\`; an app that
signs out at that would be out. "Logged out": the app holds nothing that works. "Two lines": one refresh token was answered with two different
ones.

${table(
  ['', 'trouble', 'logged out', 'refused', 'two lines', 'answered 500'],
  honest.map(row => [
    row.contender,
    row.scenario,
    perThousand(row.loggedOut, row.logins),
    perThousand(row.refused, row.logins),
    perThousand(row.forked, row.logins),
    row.failures.length === 0 ? '' : `${row.failures.length} times`,
  ]),
)}`
}

function theftTable(thefts: readonly TheftRow[]): string {
  return `### Thefts

Of 1,000 thefts. "Answered": the thief was given tokens. What became of those: "ended" (the login is over for him too), "flagged" (he goes on, and
the operator's log says that something is wrong), "unseen" (he goes on, and nothing tells). "Took over": he goes on, and the user is signed out.

${table(
  ['', 'stolen', 'the thief comes', 'answered', 'ended', 'flagged', 'unseen', 'took over'],
  thefts.map(row => [
    row.contender,
    row.scenario.loot,
    row.scenario.name,
    ...[row.answered, row.ended, row.flagged, row.unseen, row.tookOver].map(count => perThousand(count, row.thefts)),
  ]),
)}`
}

function sdkTable(sdks: readonly SdkRow[]): string {
  return `### SDKs

Per 100 expiries of the access token. "Posts": requests for new tokens. "Rotations": what the server made of them; 100 is what it takes. "Reuses": the
server took a request for theft and ended the login. "Logouts": tabs that were signed out by it, or could not call the API any more.

${table(
  ['', 'tabs', 'answers lost', 'the server', 'posts', 'rotations', 'reuses', 'logouts'],
  sdks.map(row => [
    row.sdk,
    String(row.tabs),
    row.lossy ? 'the first one each time' : 'none',
    row.server,
    ...[row.posts, row.rotations, row.reuses, row.logouts].map(count =>
      String(Math.round((count / row.expiries) * 100)),
    ),
  ]),
)}`
}

function perThousand(count: number, of: number): string {
  return String(Math.round((count / of) * 1000))
}

/** A Markdown table; a first column that repeats itself is written once. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row, index) => (row[0] === rows[index - 1]?.[0] ? ['', ...row.slice(1)] : row))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...shown.map(line)].join('\n')
}
