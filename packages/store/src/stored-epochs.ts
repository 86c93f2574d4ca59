import type { Epochs } from '@countersign/protocol'

/** Epochs as engines keep them, a column each; null: not authorised by one of these. */
export function readEpochs(all: unknown, user: unknown, client: unknown, grant: unknown): Epochs {
  const epochs: { -readonly [K in keyof Epochs]: Epochs[K] } = { all: all as number }
  if (user !== null) epochs.user = user as number
  if (client !== null) epochs.client = client as number
  if (grant !== null) epochs.grant = grant as number
  return epochs
}
