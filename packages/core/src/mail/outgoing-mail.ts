import type { ShortLived } from '../grant-types/short-lived-row.ts'
import type { Instant } from '../ids.ts'

/** What mails are about. */
export type MailKind =
  | 'verify_address'
  | 'reset_password'
  | 'new_device'
  | 'token_reused'
  | 'token_repeated'
  | 'password_changed'
  | 'way_added'
  | 'invitation'

/**
 * A mail that is to be sent: written in the commit that makes it necessary, so that neither a crash nor a mail server that is away loses it. What it says, and to whom, is
 * sealed; a link in it is derived when it is sent, and stored nowhere.
 */
export interface OutgoingMail extends ShortLived {
  readonly kind: MailKind
  /** Whom it is about; null: whoever has the address in it, if anybody does. */
  readonly userId: string | null
  readonly sealed: string
  /** How often it has been tried. */
  readonly attempts: number
  /** When it is to be tried; null: it was sent, or given up. */
  readonly dueAt: Instant | null
}

/** After so long a mail is of no use to whoever gets it, and is given up. Seconds. */
const usefulForSeconds: Readonly<Record<MailKind, number>> = {
  verify_address: 86_400,
  // Who waits for it has asked again by then.
  reset_password: 2 * 3_600,
  new_device: 86_400,
  token_reused: 86_400,
  token_repeated: 86_400,
  password_changed: 86_400,
  way_added: 86_400,
  invitation: 86_400,
}

/** How long to wait after each attempt; the last goes on until the mail is given up. Mail servers that put strangers off (greylisting) want minutes. Seconds. */
const pausesSeconds = [10, 60, 5 * 60, 10 * 60, 30 * 60]

/** Due at once. */
export function newMail(
  made: Pick<OutgoingMail, 'hash' | 'kind' | 'userId' | 'sealed'> & { readonly now: Instant },
): OutgoingMail {
  const { now, ...row } = made
  return { ...row, attempts: 0, dueAt: now, expiresAt: now + usefulForSeconds[row.kind] * 1000, version: 0 }
}

/**
 * The attempt is written down before it is made: of many nodes one makes it. Should that one die over it, the mail is due again when the attempt can have come to
 * nothing and the pause after it is over; then it may arrive twice, and never not at all.
 */
export function beginMailAttempt(mail: OutgoingMail, now: Instant, timeoutMs: number): OutgoingMail {
  return { ...mail, attempts: mail.attempts + 1, dueAt: now + timeoutMs + pauseMs(mail.attempts) }
}

/** The attempt has come to nothing, and its node knows: only the pause is waited for. */
export function retryMail(mail: OutgoingMail, now: Instant): OutgoingMail {
  return { ...mail, dueAt: now + pauseMs(mail.attempts - 1) }
}

function pauseMs(attemptsBefore: number): number {
  return (pausesSeconds[Math.min(attemptsBefore, pausesSeconds.length - 1)] ?? 0) * 1000
}

/** The last attempt that there is: the next one would come too late. */
export function isLastAttempt({ dueAt, expiresAt }: OutgoingMail): boolean {
  return dueAt === null || dueAt >= expiresAt
}

/** It was sent, or need not be, or is given up: the sweep may have the row. */
export function finishMail(mail: OutgoingMail, now: Instant): OutgoingMail {
  return { ...mail, dueAt: null, expiresAt: now }
}
