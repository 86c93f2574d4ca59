import { addressHash, type MailKind } from '@countersign/core'
import type { Limit } from '@countersign/store'
import type { Services } from '../services.ts'
import type { Recipient } from './prepare-mail.ts'

/*
 * Of what nobody has asked for here and now an address gets so much: whoever has made an account with a stranger's could else have them sent hundreds, by signing in with ever
 * new devices. Each kind by itself, so that one of them cannot be used up to keep another away. New passwords are limited where they are asked for.
 */
const ofOneKind = (kind: MailKind): Limit => ({ kind: `mails: ${kind}`, attempts: 6, windowSeconds: 3600 })
const toUnconfirmed: Limit = {
  kind: 'mails to an address that nobody has confirmed',
  attempts: 12,
  windowSeconds: 86_400,
}
/** By themselves: whoever is in an account can ask for them, and could keep away what tells of them. */
const confirmations: Limit = { kind: 'mails to confirm an address', attempts: 6, windowSeconds: 86_400 }

/** Whether an address may be sent one more of a kind; counted if so. */
export async function mayHaveMore(
  { counters }: Pick<Services, 'counters'>,
  { user, to }: Recipient,
  kind: MailKind,
): Promise<boolean> {
  if (kind === 'reset_password') return true
  const key = addressHash(to)
  if (!(await counters.take(ofOneKind(kind), key)).allowed) return false
  // Whoever invites has chosen the address, and is counted there.
  if (user === undefined || user.emailVerifiedAt !== null) return true
  return (await counters.take(kind === 'verify_address' ? confirmations : toUnconfirmed, key)).allowed
}
