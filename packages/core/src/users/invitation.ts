import { type Refusal, refuse } from '@countersign/protocol'
import type { ShortLived } from '../grant-types/short-lived-row.ts'
import type { Instant } from '../ids.ts'
import type { Rights } from './rights.ts'

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
  /** The application that they go on to. */
  readonly clientId?: string
}

/** Seconds. */
export const invitationSeconds: Readonly<Record<'byDefault' | 'atLeast' | 'atMost', number>> = {
  byDefault: 7 * 86_400,
  atLeast: 60,
  atMost: 365 * 86_400,
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

/** The sweep may have the row; until then nothing in it says whom it was for. */
export function endInvitation(invitation: Invitation, now: Instant): Invitation {
  return { ...invitation, sealed: '', dueAt: null, expiresAt: now }
}
