import { type Refusal, refuse } from '@countersign/protocol'
import { type Change, combine } from '../change.ts'
import { type AuthenticatedClient, needsGrant } from '../clients/client.ts'
import { stillAllowed } from '../clients/scope.ts'
import { type LivingLogin, renewGrant } from '../grants/end-grant.ts'
import type { Grant } from '../grants/grant.ts'
import type { RandomBytes } from '../ids.ts'
import { currentEpochs, isOutlived } from '../revocation/epochs.ts'
import { sessionIsOver } from '../sessions/end-sessions.ts'
import { makeRoom } from '../sessions/make-room.ts'
import { openLogin } from '../sessions/open-session.ts'
import type { Device, Family, Session } from '../sessions/session.ts'
import type { SessionOnlySnapshot, Snapshot } from '../snapshots.ts'
import type { DeviceCode } from './device-code.ts'

export interface DeviceRedemption {
  /** The time of the last look, and who approved, in which session; undefined until somebody has. */
  readonly snapshot: Snapshot & {
    readonly row: DeviceCode
    readonly approver: SessionOnlySnapshot | undefined
    readonly grant: Grant | undefined
  }
  readonly client: AuthenticatedClient
  readonly jkt: string | undefined
  /** Where the poll comes from: what the new session is shown as. */
  readonly device: Device
  readonly random: RandomBytes
  /** The user's living logins: where the client may have one authorization of a user alone, they end; otherwise only where there are too many. */
  readonly logins: readonly LivingLogin[]
}

export interface DeviceDecision {
  readonly outcome:
    | {
        readonly refused?: never
        readonly session: Session
        readonly family: Family
        readonly grant: Grant | undefined
      }
    | Refusal
  readonly change?: Change
}

/** Beyond, the pace of who does not listen is not slowed down further, and no poll of theirs is written down. */
const slowestPollSeconds = 60
/** Networks deliver a little early, too. */
const earlyMs = 500

/**
 * Judges a poll of a device (RFC 8628 §3.4, §3.5). Whose code it is comes first. Approved, it is redeemed once, for a session of the device's own: signing
 * out where one has approved leaves the device signed in. Single use is the row's version: of fifty that redeem, one commits.
 */
export function redeemDeviceCode(request: DeviceRedemption): DeviceDecision {
  const { snapshot, client } = request
  const { row, now } = snapshot
  if (row.clientId !== client.id || row.state === 'used') return no('device_code_invalid')
  if (now >= row.validUntil) return no('device_code_expired')
  if (row.state === 'denied') return no('device_denied')
  return row.state === 'pending' ? wait(row, now) : open(request)
}

/** §3.5: each poll that comes too soon makes the time between two of them five seconds longer. */
function wait(row: DeviceCode, now: number): DeviceDecision {
  const isTooSoon = row.polledAt !== null && now - row.polledAt < row.intervalSeconds * 1000 - earlyMs
  if (!isTooSoon) return { ...no('authorization_pending'), change: plain({ ...row, polledAt: now }, now) }
  if (row.intervalSeconds >= slowestPollSeconds) return no('polled_too_soon')
  const slower = { ...row, polledAt: now, intervalSeconds: row.intervalSeconds + 5 }
  return { ...no('polled_too_soon'), change: plain(slower, now) }
}

/** What it was approved under must still stand: a changed password, an ended session, a withdrawn grant end it. */
function open({ snapshot, client, jkt, device, random, logins }: DeviceRedemption): DeviceDecision {
  const { row, approver } = snapshot
  if (approver === undefined || row.epochs === null || client.disabled) return no('device_code_invalid')
  const { now, issuer, user } = approver
  const authorities = { ...currentEpochs({ issuer, user, client, grant: snapshot.grant }), all: row.epochs.all }
  if (isOutlived(row.epochs, authorities) || sessionIsOver(approver.session, approver)) return no('device_code_invalid')
  if (needsGrant(client) && snapshot.grant?.withdrawnAt !== null) return no('device_code_invalid')
  const renewed =
    client.oneAuthorizationPerUser && snapshot.grant
      ? renewGrant({ snapshot: { now, issuer }, client, grant: snapshot.grant, logins, actor: { device } })
      : undefined
  const grant = renewed?.grant ?? snapshot.grant
  const opened = openLogin({
    snapshot: { now, issuer },
    user,
    client,
    grant,
    device,
    amr: approver.session.amr,
    authenticatedAt: approver.session.authenticatedAt,
    random,
    ...stillAllowed(row, client),
    jkt,
  })
  const used = { table: 'deviceCode' as const, row: { ...row, state: 'used' as const } }
  const change = { ...opened.change, writes: [used, ...opened.change.writes] }
  const { session, family } = opened
  const ends = renewed
    ? [renewed.change]
    : makeRoom({ snapshot: { now, issuer }, user, clientId: client.id, logins, device })
  return { outcome: { session, family, grant }, change: combine(change, ...ends) }
}

function no(reason: Parameters<typeof refuse>[0]): { outcome: Refusal } {
  return { outcome: refuse(reason) }
}

function plain(row: DeviceCode, time: number): Change {
  return { writes: [{ table: 'deviceCode', row }], audit: [], entries: [], durable: false, time }
}
