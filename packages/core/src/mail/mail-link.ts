import { type Refusal, refuse } from '@countersign/protocol'
import { hashCode, type ShortLived } from '../grant-types/short-lived-row.ts'
import type { Instant } from '../ids.ts'
import { emailKey } from '../users/email-address.ts'
import { mayUse, type User } from '../users/user.ts'

/** What a link in a mail is good for. */
export type MailLinkPurpose = 'verify_address' | 'reset_password' | 'not_me'

/** A link in a mail, good once. The token in it is not stored, only its hash. */
export interface MailLink extends ShortLived {
  readonly purpose: MailLinkPurpose
  readonly userId: string
  /** Of the address that the mail went to: the link proves that one and no other. */
  readonly addressHash: string
  /** The user's epoch then. */
  readonly epoch: number
  /** The session that the mail told of. */
  readonly sessionId: string | null
  readonly usedAt: Instant | null
}

/** Seconds. */
export const mailLinkSeconds: Readonly<Record<MailLinkPurpose, number>> = {
  verify_address: 3 * 86_400,
  reset_password: 3_600,
  not_me: 7 * 86_400,
}

/** The address, as links remember it. */
export function addressHash(email: string): string {
  return hashCode(`mail ${emailKey(email) ?? email}`)
}

/** A link as it begins; `before`: the same one, of an attempt to send it that has failed. */
export function newMailLink(
  made: Pick<MailLink, 'hash' | 'purpose' | 'addressHash' | 'sessionId'> & {
    readonly user: User
    readonly now: Instant
  },
  before: MailLink | undefined,
): MailLink {
  const { user, now, ...link } = made
  return {
    ...link,
    userId: user.id,
    epoch: user.epoch,
    usedAt: before?.usedAt ?? null,
    expiresAt: now + mailLinkSeconds[link.purpose] * 1000,
    version: before?.version ?? 0,
  }
}

/**
 * Whether a link still stands: of the right kind, in time, never used, and of the address that the user has. A link that resets the password was given under an epoch,
 * too: a password that was changed meanwhile, or an end of all sessions, is the end of every link before it.
 */
export function judgeMailLink(
  link: MailLink,
  purpose: MailLinkPurpose,
  { now, user }: { readonly now: Instant; readonly user: User | undefined },
): User | Refusal {
  const isOver = link.purpose !== purpose || now >= link.expiresAt
  if (isOver || user === undefined || user.id !== link.userId || !mayUse(user)) return refuse('mail_link_invalid')
  if (user.email === null || addressHash(user.email) !== link.addressHash) return refuse('mail_link_invalid')
  return linkIsSpent(link, user) ? refuse('mail_link_invalid') : user
}

/** Used, or outlived: time does not come into it. Such a link is never made good again, by a later attempt to send it neither. */
export function linkIsSpent({ purpose, usedAt, epoch }: MailLink, user: User): boolean {
  return usedAt !== null || (purpose === 'reset_password' && epoch < user.epoch)
}

/** Used up: one conditional write, of which one commits. It is kept as long as it would have been good. */
export function useMailLink(link: MailLink, now: Instant): MailLink {
  return { ...link, usedAt: now }
}
