import type { Log } from '@countersign/server'

/** One JSON object a line, to standard error. What goes in is chosen by the caller; nothing of a request's content ever does. */
export function createLog(write: (line: string) => void, clock: () => number): Log {
  const writeLevel = (level: string) => (facts: Readonly<Record<string, unknown>>, text: string) =>
    write(`${JSON.stringify({ time: new Date(clock()).toISOString(), level, text, ...facts })}\n`)
  return { info: writeLevel('info'), warn: writeLevel('warn'), error: writeLevel('error') }
}
