import { type Refusal, refuse } from '@countersign/protocol'
import type { Change, Write } from '../change.ts'
import type { Instant } from '../ids.ts'
import { openedRequestSeconds, type PushedRequest } from './pushed-request.ts'

/**
 * Judges a pushed request with which a browser comes (§4): pushed by this client, not used, in time. The first time it is given the time that people
 * need; the change says so and need not be durable.
 */
export function openPushedRequest(
  row: PushedRequest,
  { clientId, now }: { clientId: string | undefined; now: Instant },
): { readonly refused?: never; readonly row: PushedRequest; readonly change?: Change } | Refusal {
  if (row.clientId !== clientId || row.usedAt !== null || now >= row.expiresAt) return refuse('request_uri_invalid')
  if (row.openedAt !== null) return { row }
  const opened = { ...row, openedAt: now, expiresAt: now + openedRequestSeconds * 1000 }
  const writes = [{ table: 'pushedRequest' as const, row: opened }]
  return { row: opened, change: { writes, audit: [], entries: [], durable: false, time: now } }
}

/** To be written with the code that it leads to: of fifty that try, one commits. */
export function useUp(row: PushedRequest, now: Instant): Write {
  return { table: 'pushedRequest', row: { ...row, usedAt: now } }
}
