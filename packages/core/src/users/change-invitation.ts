import type { AuditRecord } from '../audit/audit.ts'
import type { Change, Write } from '../change.ts'
import type { Instant } from '../ids.ts'
import { endInvitation, type Invitation, type InvitationContent } from './invitation.ts'
import { noRights } from './rights.ts'
import type { User } from './user.ts'

/** Who invites, or takes it back: an operator, or a back end by its client's id. */
export interface Inviter {
  readonly by: 'operator' | 'client'
  readonly clientId?: string
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
    used: { table: 'invitation', row: endInvitation(invitation, now) },
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
  const write: Write = { table: 'invitation', row: endInvitation(invitation, now) }
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
