import type { Configuration } from './configuration.ts'

/** What somebody wants to see at a glance after a start. */
export function describeStart(
  { data, database, key_ring, valkey, smtp_url, clients, sign_up, passwords, notes }: Configuration,
  started: { readonly issuer: string; readonly address: string; readonly switchedOff: readonly string[] },
): string {
  const { issuer, address, switchedOff } = started
  const lines = [
    ...(address === issuer ? [] : [['listens', address] as const]),
    ['data', data],
    ...place('database', database),
    ...place('key ring', key_ring),
    ...place('valkey', valkey),
    ...place('mail', smtp_url),
    ['clients', clients.length === 0 ? 'none yet; name them in countersign.json' : String(clients.length)],
    ...(switchedOff.length === 0 ? [] : [['', describeSwitchedOff(switchedOff)] as const]),
    ['sign-up', sign_up],
    ...(passwords === 'off' ? [['passwords', passwords] as const] : []),
    ['accounts', `${issuer}/account`],
    ...notes.map(note => ['note', note] as const),
  ] as const
  return lines.map(([name, value]) => `  ${name.padEnd(9)} ${value}\n`).join('')
}

const namedAtMost = 20

/** Who has taken another configuration, or the folder of another one, sees it here first. */
function describeSwitchedOff(ids: readonly string[]): string {
  const more = ids.length - namedAtMost
  return `switched off, not named any more: ${ids.slice(0, namedAtMost).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function place(name: string, url: string | undefined): readonly (readonly [string, string])[] {
  return url === undefined ? [] : [[name, placeOf(url)]]
}

/** Hosts and name of a database, without who logs in and how. There may be several hosts, which `URL` does not know. */
export function placeOf(database: string): string {
  return database
    .replace(/^.*@/s, '')
    .replace(/^\w+:\/\//, '')
    .replace(/[?#].*$/s, '')
}

/** Rows with the same members as columns under their names, for people and for `awk`. */
export function plainTable(rows: readonly Readonly<Record<string, unknown>>[]): string {
  if (rows.length === 0) return ''
  const names = Object.keys(rows[0] ?? {})
  const lines = [names, ...rows.map(row => names.map(name => String(row[name] ?? '')))]
  const widths = names.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  return lines
    .map(
      line =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
