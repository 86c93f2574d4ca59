import type { HistoryEvent, TokenExchange } from './history.ts'

/** The run as a story: one line for each thing that matters to `familyId` (or to anybody). */
export function tellStory(events: readonly HistoryEvent[], familyId?: string): string[] {
  const names = new Map<string, string>()
  return events.flatMap(event => {
    const line = lineOf(event, familyId)
    return line === undefined ? [] : [`${clockOf(event.time)}  ${shortened(line, names)}`]
  })
}

/** `12:03.250`: minutes, seconds, milliseconds since the run began. */
export function clockOf(time: number): string {
  const minutes = Math.floor(time / 60_000)
  const seconds = (time % 60_000) / 1000
  return `${String(minutes).padStart(2, '0')}:${seconds.toFixed(3).padStart(6, '0')}`
}

function lineOf(event: HistoryEvent, familyId: string | undefined): string | undefined {
  const concerns = (id: string | undefined): boolean => familyId === undefined || id === familyId
  switch (event.kind) {
    case 'act':
      return /^(use|refresh|thief acts)$/.test(event.what) ? undefined : event.text
    case 'fault':
      return `! ${event.text}`
    case 'exchange': {
      const { exchange } = event
      return concerns(exchange.presented?.familyId ?? exchange.given?.familyId) ? exchangeLine(exchange) : undefined
    }
    case 'allowed':
      return `${event.user} allows ${event.clientId}`
    case 'forgotten':
      return `! ${forgotten(event.lost.length)} (${event.how})`
    case 'judgement': {
      const { api, party, verdict, claims } = event.judgement
      return concerns(claims.fam) && verdict !== 'accepted' ? `${api} on ${party.name}'s token: ${verdict}` : undefined
    }
    case 'signed out':
      return concerns(event.familyId) ? `${event.party.name} is signed out: ${event.reason}` : undefined
    case 'stuck':
    case 'failure':
      return event.text
    case 'untold':
      return undefined
    case 'commit': {
      const { change, node } = event.applied
      const wrote = change.writes.some(write => write.table === 'family' && concerns(write.row.id))
      const audit = change.audit.map(record => record.event).join(', ')
      return wrote && audit !== '' ? `${node} commits: ${audit}` : undefined
    }
  }
}

function exchangeLine(exchange: TokenExchange): string {
  const { party, node, path, presented, row, reason, status, given, arrivedAt } = exchange
  const asked =
    exchange.code !== undefined
      ? `${party.name} presents a code to ${node}`
      : presented === undefined
        ? `${party.name} asks ${node} at ${path}`
        : `${party.name} presents generation ${presented.generation} to ${node}`
  const came = `(came ${clockOf(arrivedAt)})`
  if (status >= 300) return `${asked} ${came}: refused, ${reason}${row === undefined ? '' : `, row ${row}`}`
  const got = given === undefined ? 'keeps its refresh token' : `gets generation ${given.generation}`
  return `${asked} ${came}: ${row === undefined ? '' : `row ${row}, `}${got}`
}

/** Ids are long and tell nothing: `login A`. */
function shortened(line: string, names: Map<string, string>): string {
  return line.replace(/\b(?:family|session|user) ([A-Za-z0-9_-]{22})\b/g, (_whole, id: string) => {
    const known = names.get(id) ?? `login ${String.fromCharCode(65 + (names.size % 26))}`
    names.set(id, known)
    return known
  })
}

function forgotten(commits: number): string {
  if (commits === 0) return 'the store has lost nothing'
  return `the store has lost ${commits === 1 ? 'one commit' : `${commits} commits`}`
}
