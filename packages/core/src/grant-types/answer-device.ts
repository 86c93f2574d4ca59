import { type Refusal, refuse } from '@countersign/protocol'
import type { AuditRecord } from '../audit/audit.ts'
import type { Change } from '../change.ts'
import { type Client, needsGrant } from '../clients/client.ts'
import { allowGrant } from '../grants/consent.ts'
import type { Grant } from '../grants/grant.ts'
import { currentEpochs } from '../revocation/epochs.ts'
import { personalOf } from '../sessions/end-sessions.ts'
import type { Device } from '../sessions/session.ts'
import type { SessionOnlySnapshot } from '../snapshots.ts'
import type { DeviceCode } from './device-code.ts'

/**
 * The user has typed the user code, and is about to be shown who asks. From now on nobody else can answer the request (CVE-2026-45337): whoever has seen the code
 * over somebody's shoulder comes too late.
 */
export function claimDeviceRequest(
  row: DeviceCode,
  { user, now }: Pick<SessionOnlySnapshot, 'user' | 'now'>,
): { readonly refused?: never; readonly row: DeviceCode; readonly change?: Change } | Refusal {
  if (row.state !== 'pending' || now >= row.validUntil) return refuse('user_code_invalid')
  if (row.userId === user.id) return { row }
  if (row.userId !== null) return refuse('user_code_invalid')
  const claimed = { ...row, userId: user.id }
  return { row: claimed, change: plain(claimed, now, false) }
}

/** What an answer is made of: the request, which its user has claimed, and who answers. */
export interface DeviceAnswer {
  readonly row: DeviceCode
  readonly login: SessionOnlySnapshot
  readonly client: Client
  readonly grant: Grant | undefined
  /** Where the user answers from. */
  readonly device: Device
}

/** The user says no. Nothing was given, so there is nothing to audit. */
export function denyDevice({ row, login }: DeviceAnswer): { readonly change: Change } | Refusal {
  const claimed = claimDeviceRequest(row, login)
  if (claimed.refused) return claimed
  return { change: plain({ ...claimed.row, state: 'denied' }, login.now, true) }
}

/** The user says yes: the grant says so, and the request is good for one login at the device (§3.3). */
export function approveDevice(answer: DeviceAnswer): { readonly change: Change } | Refusal {
  const { row, login, client } = answer
  const { now, issuer, user, session } = login
  const claimed = claimDeviceRequest(row, login)
  if (claimed.refused) return claimed
  if (client.disabled) return refuse('user_code_invalid')
  const asked = { scopes: row.scope.split(' ').filter(Boolean), audiences: row.audiences }
  const allowed = needsGrant(client) ? allowGrant({ ...answer, now, user, asked, sessionId: session.id }) : undefined
  const epochs = currentEpochs({ issuer, user, client, grant: allowed?.grant })
  const approved: DeviceCode = { ...claimed.row, state: 'approved', sessionId: session.id, epochs }
  const record: AuditRecord = {
    event: 'device.approved',
    time: now,
    userId: user.id,
    clientId: client.id,
    sessionId: session.id,
    facts: { scope: row.scope },
    ...personalOf(answer.device),
  }
  const change = { ...plain(approved, now, true), audit: allowed ? [record, allowed.audit] : [record] }
  return { change: allowed ? { ...change, writes: [...change.writes, ...allowed.writes] } : change }
}

function plain(row: DeviceCode, time: number, durable: boolean): Change {
  return { writes: [{ table: 'deviceCode', row }], audit: [], entries: [], durable, time }
}
