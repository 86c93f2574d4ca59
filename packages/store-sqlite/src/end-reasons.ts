import type { EndReason } from '@countersign/core'
import type { Column } from './columns.ts'

/** As stored. A number is never given another meaning. */
const numbers: Readonly<Record<EndReason, number>> = {
  signed_out: 1,
  ended_by_user: 2,
  ended_by_operator: 3,
  superseded: 4,
  password_changed: 5,
  refresh_token_reused: 6,
  code_reused: 7,
  replay_flagged: 8,
  grant_withdrawn: 9,
  ended_by_provider: 10,
}

const words = new Map(Object.entries(numbers).map(([word, number]) => [number, word as EndReason]))

export function endReasonNumber(reason: EndReason | null): number | null {
  return reason === null ? null : numbers[reason]
}

export function endReasonOf(column: Column): EndReason | null {
  return column === null ? null : (words.get(column as number) ?? null)
}
