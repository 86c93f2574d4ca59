import { type Acceptance, acceptInvitation, emailKey, hashCode, judgeInvitation } from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Services } from '../services.ts'

/** Where the link of an invitation leads, below the issuer. */
export const invitationPath = '/invitation'

/** Which invitation a link is of, and what it proves itself by. */
export interface NamedInvitation {
  readonly hash: string
  readonly secretHash: string
}

/** The address of a link: the issuer's, whatever a request said of its host. The token names the invitation, and holds its secret. */
export function invitationUrl(issuer: string, name: string, secret: string): string {
  return `${issuer}${invitationPath}?${new URLSearchParams({ token: `${name}.${secret}` })}`
}

/** `undefined`: it is no token of an invitation. */
export function readInvitationToken(token: string | undefined): NamedInvitation | undefined {
  const [, hash, secret] = /^([\w-]{43})\.([\w-]{43})$/.exec(token ?? '') ?? []
  return hash === undefined || secret === undefined ? undefined : { hash, secretHash: hashCode(secret) }
}

/**
 * What a link gives now. Refused as `mail_link_invalid` whatever is wrong with it: used, withdrawn, too old, made up, in the place of another, or of an address that has
 * got an account meanwhile.
 */
export async function findInvitation(
  { store, invitations }: Pick<Services, 'store' | 'invitations'>,
  named: NamedInvitation | undefined,
): Promise<Acceptance | Refusal> {
  if (named === undefined) return refuse('mail_link_invalid')
  const found = await store.loadShortLived('invitation', named.hash)
  if (found === undefined) return refuse('mail_link_invalid')
  const { row, now } = found
  const invitation = judgeInvitation(row, { secretHash: named.secretHash, now })
  if (isRefusal(invitation)) return invitation
  const content = invitations.open(invitation, now)
  if (content === undefined) return refuse('mail_link_invalid')
  const { user } = await store.loadUserByEmail(emailKey(content.email) ?? '')
  return user === undefined ? acceptInvitation(invitation, content, now) : refuse('mail_link_invalid')
}
