import { parseStrictObject } from '@countersign/protocol'
import type { Outbound, OutboundAnswer } from './outbound.ts'

const bytesAtMost = 64 * 1024
const timeoutMs = 5_000

/** A JSON document of somebody else's, with the answer that it came in; `undefined` if there is none: another status than 200, another type, no JSON. */
export async function fetchJson(
  outbound: Outbound,
  url: string,
): Promise<{ readonly value: unknown; readonly answer: OutboundAnswer } | undefined> {
  const answer = await outbound({ url, headers: { accept: 'application/json' }, bytesAtMost, timeoutMs })
  if (answer.failed !== undefined || answer.status !== 200) return undefined
  const type = answer.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (!/^application\/([a-z0-9.-]+\+)?json$/.test(type)) return undefined
  const value = parseJson(answer.text)
  return value === undefined ? undefined : { value, answer }
}

/** As strictly as what comes in: an array is read as the one member of an object. */
function parseJson(text: string): unknown {
  const read = parseStrictObject(`{"value":${text}}`)
  return read && Object.keys(read).length === 1 ? read.value : undefined
}
