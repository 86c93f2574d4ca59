const kinds = 5

/**
 * How many rows of a kind (in order: codes, entries, families, sessions, clients) may go in a sweep in which so many are gone already:
 * all but what is set aside for the kinds after it, so that a flood of one keeps none of them waiting.
 */
export function sweepShares(rowsAtMost: number): (kind: number, gone: number) => number {
  const share = Math.floor(rowsAtMost / kinds)
  return (kind, gone) => rowsAtMost - gone - share * (kinds - 1 - kind)
}
