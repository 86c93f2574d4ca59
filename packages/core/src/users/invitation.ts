import { type Refusal, refuse } from '@countersign/protocol'
import type { AuditRecord } from '../audit/audit.ts'
import type { Change, Write } from '../change.ts'
import type { ShortLived } from '../grant-types/short-lived-row.ts'
import type { Instant } from '../ids.ts'
import { noRights, type Rights } from './rights.ts'
import type { User } from './user.ts'

/**
 * Somebody may make an account with an address. There is one row for each address, found by what the address is called here (its hash under a key of ours), so that a
 * second invitation takes the place of the first; its link names the row and proves itself by a secret, of which the hash is stored.
 */
export interface Invitation extends ShortLived {
  /** Of the secret in the link. */
  readonly secretHash: string
  /** Whom it is for and what it gives (`InvitationContent`); empty once it is over. */
  readonly sealed: string
  /** Whether the link went to the address, and nowhere else: who has it has shown that the address is theirs. */
  readonly isMailed: boolean
  readonly createdAt: Instant
  /** Since when it can be accepted, by which the store lists those that can; null: it was accepted or withdrawn. */
  readonly dueAt: Instant | null
}

/** What is sealed in it. */
export interface InvitationContent {
  readonly email: string
  /** What whoever accepts it may do from the start. */
  readonly rights?: Rights
}

/** Seconds. */
export const invitationSeconds: Readonly<Record<'byDefault' | 'atLeast' | 'atMost', number>> = {
  byDefault: 7 * 86_400,
  atLeast: 60,
  atMost: 365 * 86_400,
}

/** Who invites, or takes it back: an operator, or a back end by its client's id. */
export interface Inviter {
  readonly by: 'operator' | 'client'
  readonly clientId?: string
}

/** An invitation as it begins; `before`: the one of this address that it takes the place of. */
export function newInvitation(
  made: Pick<Invitation, 'hash' | 'secretHash' | 'sealed' | 'isMailed'> & {
    readonly now: Instant
    readonly lifeSeconds: number
  },
  before: Invitation | undefined,
): Invitation {
  const { now, lifeSeconds, ...row } = made
  return { ...row, createdAt: now, dueAt: now, expiresAt: now + lifeSeconds * 1000, version: before?.version ?? 0 }
}

/** Whether it can be accepted. Rows are found until they are swept. */
export function invitationStands(invitation: Invitation | undefined, now: Instant): invitation is Invitation {
  return invitation !== undefined && invitation.dueAt !== null && now < invitation.expiresAt
}

/** Whether a link still stands: neither used nor withdrawn, in time, and not of an invitation whose place another has taken. */
export function judgeInvitation(
  invitation: Invitation | undefined,
  { secretHash, now }: { readonly secretHash: string; readonly now: Instant },
): Invitation | Refusal {
  const stands = invitationStands(invitation, now) && invitation.secretHash === secretHash
  return stands ? invitation : refuse('mail_link_invalid')
}

/** What it gives to the account that is made with it; `used` is one conditional write, of which one commits. */
export interface Acceptance extends InvitationContent {
  readonly used: Write
  readonly isMailed: boolean
  /** For the audit row of the new user. */
  readonly facts: NonNullable<AuditRecord['facts']>
}

export function acceptInvitation(invitation: Invitation, content: InvitationContent, now: Instant): Acceptance {
  return {
    ...content,
    used: { table: 'invitation', row: over(invitation, now) },
    isMailed: invitation.isMailed,
    facts: { invitation: invitation.hash, ...rightsInAudit(content) },
  }
}

/** The account that is made with one: its address is the invited one, and shown to be theirs by whoever came with the mail, or by a connection that says the same. */
export function fieldsOfInvited(
  { email, isMailed, rights = noRights }: Acceptance,
  { now, isVouched = false }: { readonly now: Instant; readonly isVouched?: boolean },
): Pick<User, 'email' | 'emailVerifiedAt' | 'rights'> {
  return { email, emailVerifiedAt: isMailed || isVouched ? now : null, rights }
}

export function withdrawInvitation(invitation: Invitation, now: Instant, inviter: Inviter): Change {
  const write: Write = { table: 'invitation', row: over(invitation, now) }
  return { writes: [write], audit: [audited('invitation.withdrawn', invitation, now, inviter)], ...durableAt(now) }
}

/** `more`: the mail with the link, if it goes by mail. */
export function invitationChange(
  invitation: Invitation,
  content: InvitationContent,
  inviter: Inviter,
  more: readonly Write[],
): Change {
  const { createdAt: now, isMailed } = invitation
  const facts = { mailed: isMailed, ...rightsInAudit(content) }
  const audit = audited('invitation.made', invitation, now, inviter, facts)
  return { writes: [{ table: 'invitation', row: invitation }, ...more], audit: [audit], ...durableAt(now) }
}

/** The sweep may have the row; until then nothing in it says whom it was for. */
function over(invitation: Invitation, now: Instant): Invitation {
  return { ...invitation, sealed: '', dueAt: null, expiresAt: now }
}

function durableAt(now: Instant): Pick<Change, 'entries' | 'durable' | 'time'> {
  return { entries: [], durable: true, time: now }
}

/** No address: there is no user yet under whose key it could be sealed. What an invitation is called says nothing of it without our key. */
function audited(
  event: 'invitation.made' | 'invitation.withdrawn',
  { hash }: Invitation,
  time: Instant,
  { by, clientId }: Inviter,
  more: AuditRecord['facts'] = {},
): AuditRecord {
  return { event, time, ...(clientId !== undefined && { clientId }), facts: { by, invitation: hash, ...more } }
}

function rightsInAudit({ rights }: InvitationContent): { roles?: string } {
  return rights === undefined ? {} : { roles: rights.roles.join(' ') }
}
