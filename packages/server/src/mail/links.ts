import {
  hashCode,
  judgeMailLink,
  type MailLink,
  type MailLinkPurpose,
  type Snapshot,
  type User,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Services } from '../services.ts'

/** Where the link of a mail leads, below the issuer. */
export const linkPaths: Readonly<Record<MailLinkPurpose, string>> = {
  verify_address: '/verify-address',
  reset_password: '/reset-password',
  not_me: '/not-me',
}

/** The address of a link: the issuer's, whatever a request said of its host (CVE-2023-49097: the poisoned reset link). */
export function linkUrl(issuer: string, purpose: MailLinkPurpose, token: string): string {
  return `${issuer}${linkPaths[purpose]}?${new URLSearchParams({ token })}`
}

/** A link that stands, with whom it is about. */
export type FoundLink = Snapshot & { readonly link: MailLink; readonly user: User; readonly email: string }

/** Finds what a token is good for now. */
export async function findLink(
  { store }: Pick<Services, 'store'>,
  purpose: MailLinkPurpose,
  token: string | undefined,
): Promise<FoundLink | Refusal> {
  if (token === undefined || !/^[\w-]{43}$/.test(token)) return refuse('mail_link_invalid')
  const found = await store.loadShortLived('mailLink', hashCode(token))
  if (found === undefined) return refuse('mail_link_invalid')
  const snapshot = await store.loadUser(found.row.userId)
  const user = judgeMailLink(found.row, purpose, snapshot)
  if (isRefusal(user)) return user
  return { ...snapshot, link: found.row, user, email: user.email ?? '' }
}
