import type { Instant, User, Write } from '@countersign/core'
import type { Services } from '../services.ts'

/** The mail by which a user shows that their address is theirs, for the change that makes it necessary; none where none can be sent. */
export function verificationMail(
  { mailer }: Pick<Services, 'mailer'>,
  user: User,
  { now, language }: { readonly now: Instant; readonly language: string },
): readonly Write[] {
  if (mailer === undefined || user.email === null || user.emailVerifiedAt !== null) return []
  return [mailer.toUser('verify_address', user, { to: user.email, language, time: now })]
}
