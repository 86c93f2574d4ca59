import type { AuditAnchor } from '../audit/audit-anchor.ts'
import type { ConnectionSignIn } from '../connections/connection-sign-in.ts'
import type { AuditPlace, LogoutDelivery } from '../logout/logout-delivery.ts'
import type { KnownDevice } from '../mail/known-device.ts'
import type { MailLink } from '../mail/mail-link.ts'
import type { OutgoingMail } from '../mail/outgoing-mail.ts'
import type { Invitation } from '../users/invitation.ts'
import type { AuthorizationCode } from './code.ts'
import type { DeviceCode, UserCode } from './device-code.ts'
import type { PushedRequest } from './pushed-request.ts'
import type { ShortLived } from './short-lived-row.ts'

/*
 * What lives for minutes and is used once: codes, pushed requests, device codes, the ids of proofs. They are all kept alike, by their kind and the hash of
 * the secret that names them (the secret itself is stored nowhere), and forgotten once they have expired. Single use is their version: of fifty that
 * write one, one commits.
 */

/** Something that may be used once: the `jti` of an assertion, with its issuer. Written with version 0 alone: the second is a conflict. */
export type UsedOnce = ShortLived

/** All kinds, by their names. A new one is added here; engines keep it without a change. */
export interface ShortLivedRows {
  readonly code: AuthorizationCode
  readonly pushedRequest: PushedRequest
  readonly deviceCode: DeviceCode
  readonly userCode: UserCode
  readonly usedOnce: UsedOnce
  readonly connectionSignIn: ConnectionSignIn
  readonly logoutDelivery: LogoutDelivery
  readonly auditPlace: AuditPlace
  readonly auditAnchor: AuditAnchor
  readonly mail: OutgoingMail
  readonly mailLink: MailLink
  readonly knownDevice: KnownDevice
  readonly invitation: Invitation
}

export type ShortLivedKind = keyof ShortLivedRows

/** Kinds that wait for something to be done, by us or by somebody else: the store lists them by `dueAt`. */
export type DueKind = 'logoutDelivery' | 'mail' | 'invitation'

const kinds: Readonly<Record<ShortLivedKind, true>> = {
  code: true,
  pushedRequest: true,
  deviceCode: true,
  userCode: true,
  usedOnce: true,
  connectionSignIn: true,
  logoutDelivery: true,
  auditPlace: true,
  auditAnchor: true,
  mail: true,
  mailLink: true,
  knownDevice: true,
  invitation: true,
}

/** True if rows of this table are short-lived. */
export function isShortLived(table: string): table is ShortLivedKind {
  return Object.hasOwn(kinds, table)
}
