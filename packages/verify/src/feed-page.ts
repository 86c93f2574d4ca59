import type { FeedEntry, FeedPage } from '@countersign/protocol'

const namedKinds: ReadonlySet<unknown> = new Set(['token', 'family', 'session', 'key'])
const epochKinds: ReadonlySet<unknown> = new Set(['user', 'client', 'grant', 'all', 'claims'])

/** A page of the feed as it was read, and how many of its entries are of a kind that is not known here. */
export interface ReadPage {
  readonly page: FeedPage
  readonly unknown: number
}

/** Reads the data of a feed event (contract: Feed); undefined if it is not one. */
export function readFeedPage(text: string): ReadPage | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { position, after, as_of: asOf, entries: list } = value as Readonly<Record<string, unknown>>
  if (typeof position !== 'string' || !isNumber(asOf)) return undefined
  if (after !== undefined && typeof after !== 'string') return undefined
  if (list !== undefined && !Array.isArray(list)) return undefined
  const entries: FeedEntry[] = []
  let unknown = 0
  for (const item of list ?? []) {
    const entry = readEntry(item)
    if (entry === undefined) return undefined
    if (entry === 'unknown') unknown++
    else entries.push(entry)
  }
  return { page: { position, ...(after !== undefined && { after }), as_of: asOf, entries }, unknown }
}

function readEntry(value: unknown): FeedEntry | 'unknown' | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { kind, id, until, below, at } = value as Readonly<Record<string, unknown>>
  if (typeof kind !== 'string') return undefined
  if (!namedKinds.has(kind) && !epochKinds.has(kind)) return 'unknown'
  if (typeof id !== 'string' || !isNumber(until)) return undefined
  if (namedKinds.has(kind)) return { kind, id, until } as FeedEntry
  return isNumber(below) && isNumber(at) ? ({ kind, id, below, at, until } as FeedEntry) : undefined
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
