import {
  addressHash,
  emailKey,
  hashCode,
  type Instant,
  linkIsSpent,
  type MailLinkPurpose,
  mayUse,
  newMailLink,
  type OutgoingMail,
  type Snapshot,
  type User,
  type Write,
} from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { findInvitation, invitationUrl } from '../invitations/invitation-link.ts'
import { chooseLanguage } from '../pages/language/choose-language.ts'
import type { Language } from '../pages/language/language.ts'
import type { Services } from '../services.ts'
import { composeMail, type MailLooks, type MailWanted } from './compose-mail.ts'
import { linkUrl } from './links.ts'
import type { MailContent, Mailer } from './mailer.ts'
import type { MailMessage } from './transport.ts'

/** What mails are made from. */
export interface MailPreparation {
  readonly services: Pick<Services, 'store' | 'config' | 'invitations'> & Pick<HostedServices, 'languages'>
  readonly mailer: Mailer
  readonly looks: MailLooks
}

/** Which link the mails of a kind have. */
const purposes: Readonly<Record<Exclude<OutgoingMail['kind'], 'invitation'>, MailLinkPurpose>> = {
  verify_address: 'verify_address',
  reset_password: 'reset_password',
  new_device: 'not_me',
  token_reused: 'not_me',
  token_repeated: 'not_me',
  password_changed: 'not_me',
  way_added: 'not_me',
}

/** `user` is absent for who was invited. */
export interface Recipient {
  readonly user?: User
  readonly to: string
}

export interface PreparedMail {
  readonly message: MailMessage
  readonly link: readonly Write[]
  readonly now: Instant
  readonly recipient: Recipient
}

/** The mail in words, and the link in it; `undefined`: nobody is to get it (any more). */
export async function prepareMail(options: MailPreparation, row: OutgoingMail): Promise<PreparedMail | undefined> {
  const { services, mailer } = options
  const content = mailer.open(row)
  if (content === undefined) return undefined
  if (row.kind === 'invitation') return prepareInvitation(options, row, content)
  const found = await recipient(services, row, content)
  if (found === undefined) return undefined
  const { user, to, now } = found
  const purpose = purposes[row.kind]
  const token = mailer.tokenOf(row)
  const hash = hashCode(token)
  const before = await services.store.loadShortLived('mailLink', hash)
  // It has arrived, whatever became of the attempt; or another link has been used meanwhile, and none from before it is to come to life again.
  if (before !== undefined && linkIsSpent(before.row, user)) return undefined
  const link = newMailLink(
    { hash, purpose, addressHash: addressHash(to), sessionId: content.sessionId ?? null, user, now },
    before?.row,
  )
  const url = linkUrl(services.config.issuer, purpose, token)
  const message = compose(options, row, { content, to, url, hasNoPassword: user.passwordHash === null })
  return { message, link: [{ table: 'mailLink', row: link }], now, recipient: found }
}

/** Its link is that of the invitation, which says by itself whether it stands: one that was withdrawn meanwhile, or made anew, is not sent. */
async function prepareInvitation(
  options: MailPreparation,
  row: OutgoingMail,
  content: MailContent,
): Promise<PreparedMail | undefined> {
  const { services, mailer } = options
  const name = services.invitations.nameOf(emailKey(content.to) ?? '')
  const secret = mailer.tokenOf(row)
  const { now } = await services.store.loadIssuer()
  const invitation = await findInvitation(services, { hash: name, secretHash: hashCode(secret) })
  if (isRefusal(invitation)) return undefined
  const to = invitation.email
  const url = invitationUrl(services.config.issuer, name, secret)
  return { message: compose(options, row, { content, to, url }), link: [], now, recipient: { to } }
}

function compose({ services, looks }: MailPreparation, { kind, hash }: OutgoingMail, mail: MailWanted): MailMessage {
  const messageId = `${hash}@${new URL(services.config.issuer).hostname}`
  return composeMail(looks, languageOf(services, mail.content.language), { kind, ...mail, messageId })
}

/** That of whoever the mail is for, if it is spoken here still. */
function languageOf({ languages }: Pick<HostedServices, 'languages'>, tag: string | undefined): Language {
  return chooseLanguage(languages.all, tag === undefined ? [] : [tag]) ?? languages.first
}

/**
 * Who gets it, and under which address. What was asked for by an address goes to the one that the account has, to the letter, whatever was typed to find it
 * (CVE-2019-19844).
 */
async function recipient(
  { store }: Pick<Services, 'store'>,
  { kind, userId }: OutgoingMail,
  content: MailContent,
): Promise<(Snapshot & { user: User; to: string }) | undefined> {
  const snapshot = await (userId === null ? store.loadUserByEmail(emailKey(content.to) ?? '') : store.loadUser(userId))
  const { user } = snapshot
  if (user === undefined || user.email === null || !mayUse(user)) return undefined
  if (kind === 'verify_address' && user.emailVerifiedAt !== null) return undefined
  return { ...snapshot, user, to: userId === null ? user.email : content.to }
}
