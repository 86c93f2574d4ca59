import type { HttpRequest } from '../http/message.ts'
import { type NamedInvitation, readInvitationToken } from '../invitations/invitation-link.ts'
import type { HostedServices } from './hosted-services.ts'

/** The invitation that this browser has come with. */
export function keptInvitation({ cookies }: HostedServices, http: HttpRequest): NamedInvitation | undefined {
  return readInvitationToken(cookies.keptLink(http, 'invitation'))
}

/**
 * What the page of an invitation carries in its form and in its links: that it showed this one, in this browser. What a browser has come with is a cookie, and whose link it
 * opens afterwards takes its place there: they would get an account of their own address into which somebody else signs in, and follow by mail (GHSA-qq9h-g4jm-xgf3).
 */
export function invitationSeal(
  { cookies }: HostedServices,
  csrf: string,
  { hash, secretHash }: NamedInvitation,
): string {
  return cookies.seal(csrf, shownOf(hash, secretHash))
}

/** Whether a page of ours showed, in this browser, the invitation that it has come with. */
export function isSealed(
  { cookies }: HostedServices,
  http: HttpRequest,
  { hash, secretHash }: NamedInvitation,
  seal: string | undefined,
): boolean {
  return cookies.sealIsOf(cookies.form(http).csrf, shownOf(hash, secretHash), seal)
}

function shownOf(hash: string, secretHash: string): string {
  return `invitation ${hash} ${secretHash}`
}
