import { eventStream, type ServerSentEvent } from './event-stream.ts'

const longestRetryAfterSeconds = 60
const eventCharactersAtMost = 128 * 1024 * 1024

/** A refusal does not pass by itself, as other faults do: it is a matter of configuration, here or at the issuer. */
export function faultOf({ status }: Response, clientId: string): string {
  if (status !== 401 && status !== 403) return `the feed answered ${status}`
  return `the feed refuses client ${JSON.stringify(clientId)} (${status}): wrong secret, or no scope "revocations"`
}

export function isEventStream(response: Response): boolean {
  return response.status === 200 && (response.headers.get('content-type') ?? '').startsWith('text/event-stream')
}

export function retryAfterMilliseconds(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? 0)
  return Number.isFinite(seconds) ? Math.min(longestRetryAfterSeconds, Math.max(0, seconds)) * 1000 : 0
}

export async function readEvents(response: Response, onEvent: (event: ServerSentEvent) => void): Promise<void> {
  if (response.body === null) return
  const decoder = new TextDecoder()
  const events = eventStream(onEvent, eventCharactersAtMost)
  for await (const chunk of response.body) events.push(decoder.decode(chunk, { stream: true }))
}
