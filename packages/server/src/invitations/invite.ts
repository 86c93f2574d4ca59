import {
  type Change,
  emailKey,
  hashCode,
  type Instant,
  type Invitation,
  type InvitationContent,
  type Inviter,
  invitationChange,
  invitationSeconds,
  newInvitation,
  noRights,
  rightsBytesAtMost,
  rightsFit,
  withdrawInvitation,
} from '@countersign/core'
import { type Refusal, refuse } from '@countersign/protocol'
import { tidyRights, type WrittenRights } from '../claims/change-rights.ts'
import type { Services } from '../services.ts'
import { decideAndCommit } from '../sign-in/decide-and-commit.ts'
import { takesInvitations } from '../sign-in/who-may-sign-up.ts'
import { applicationPage } from './application-page.ts'
import { invitationUrl } from './invitation-link.ts'

/** An invitation as it is told. Times are RFC 3339. */
export interface InvitationView {
  readonly id: string
  readonly email: string
  /** How the link came to whom it is for: by mail, or handed to whoever made the invitation. */
  readonly delivery: 'mail' | 'link'
  /** The application that they go on to. */
  readonly client_id?: string
  readonly created_at: string
  readonly expires_at: string
}

export interface WantedInvitation {
  readonly email: string
  /** `link`: the link is handed back, and no mail is sent. */
  readonly delivery: 'mail' | 'link'
  readonly lifeSeconds?: number | undefined
  /** Of the mail; BCP 47. */
  readonly language?: string | undefined
  readonly rights?: WrittenRights | undefined
  /** The application to whose page they go on; of those that an operator has set up. */
  readonly clientId?: string | undefined
}

/** Fewer than the mails of a kind that an address gets in an hour: one that is told to be on its way is. */
const ofOneAddress = { kind: 'invitations of an address', attempts: 5, windowSeconds: 3600 }
const listedAtMost = 1_000

/**
 * Invites an address, in the place of an earlier invitation. Refused: `signup_closed`, `email_invalid`, `email_taken`, `mail_not_configured`, `too_many_attempts`,
 * `parameter_invalid`. By mail the link is told nobody else; by `link` it is in the answer, and nowhere else.
 */
export async function invite(
  services: Services,
  wanted: WantedInvitation,
  inviter: Inviter,
): Promise<(InvitationView & { readonly link?: string }) | Refusal> {
  const { store, config, invitations, counters } = services
  if (!takesInvitations(services)) return refuse('signup_closed')
  const key = emailKey(wanted.email)
  if (key === null) return refuse('email_invalid')
  if (wanted.delivery === 'mail' && services.mailer === undefined) return refuse('mail_not_configured')
  const content = contentOf(wanted)
  if (content.rights !== undefined && !rightsFit(content.rights)) {
    return refuse('parameter_invalid', { detail: `All rights together can have ${rightsBytesAtMost} bytes of JSON.` })
  }
  if (content.clientId !== undefined && (await applicationPage(services, content.clientId)) === undefined) {
    return refuse('parameter_invalid', { detail: 'client_id: must be an application of yours that has a uri.' })
  }
  const hash = invitations.nameOf(key)
  const limit = await counters.take(ofOneAddress, hash)
  if (!limit.allowed) return refuse('too_many_attempts', limit)
  const lifeSeconds = wanted.lifeSeconds ?? config.invitationSeconds ?? invitationSeconds.byDefault
  return decideAndCommit(services, async () => {
    const { now, user } = await store.loadUserByEmail(key)
    if (user !== undefined) return refuse('email_taken')
    const before = (await store.loadShortLived('invitation', hash))?.row
    const { secret, mail } = carried(services, wanted, content, now + lifeSeconds * 1000, now)
    const sealed = invitations.seal(hash, content)
    const made = { hash, secretHash: hashCode(secret), sealed, isMailed: mail.length > 0, now, lifeSeconds }
    const invitation = newInvitation(made, before)
    const link = wanted.delivery === 'link' && { link: invitationUrl(config.issuer, hash, secret) }
    const result = { ...viewOf(invitation, content), ...link }
    return { result, change: invitationChange(invitation, content, inviter, mail) }
  })
}

function contentOf({ email, rights = {}, clientId }: WantedInvitation): InvitationContent {
  const said = Object.entries(rights).filter(([, value]) => value !== undefined)
  return {
    email: email.trim(),
    ...(said.length > 0 && { rights: tidyRights({ ...noRights, ...Object.fromEntries(said) }) }),
    ...(clientId !== undefined && { clientId }),
  }
}

/** The secret of the link, with the mail that carries it. */
function carried(
  { mailer, invitations }: Services,
  { delivery, language }: WantedInvitation,
  { email }: InvitationContent,
  until: Instant,
  now: Instant,
) {
  if (delivery === 'link' || mailer === undefined) return { secret: invitations.newSecret(), mail: [] }
  const { write, secret } = mailer.toInvited({
    to: email,
    time: now,
    until,
    ...(language !== undefined && { language }),
  })
  return { secret, mail: [write] }
}

/** Those that can be accepted, a thousand at most, in the order in which they were made. */
export async function listInvitations({ store, invitations }: Services): Promise<readonly InvitationView[]> {
  const { rows, now } = await store.listDue('invitation', listedAtMost)
  return rows.flatMap(row => {
    const content = invitations.open(row, now)
    return content === undefined ? [] : [viewOf(row, content)]
  })
}

/** Takes one back, by its id or its address. Refused: `invitation_unknown`. */
export function withdraw(services: Services, idOrEmail: string, inviter: Inviter): Promise<object | Refusal> {
  return decideAndCommit(services, async () => {
    const withdrawn = await withdrawal(services, idOrEmail, inviter)
    if (withdrawn === undefined) return refuse('invitation_unknown')
    return { result: { id: withdrawn.id, done: 'withdrawn' }, change: withdrawn.change }
  })
}

/** What takes one back; `undefined`: there is none that stands. */
export async function withdrawal(
  { store, invitations }: Services,
  idOrEmail: string,
  inviter: Inviter,
): Promise<{ readonly id: string; readonly change: Change } | undefined> {
  const key = emailKey(idOrEmail)
  const id = key === null ? idOrEmail : invitations.nameOf(key)
  const found = await store.loadShortLived('invitation', id)
  if (found === undefined || invitations.open(found.row, found.now) === undefined) return undefined
  return { id, change: withdrawInvitation(found.row, found.now, inviter) }
}

function viewOf(
  { hash, isMailed, createdAt, expiresAt }: Invitation,
  { email, clientId }: InvitationContent,
): InvitationView {
  return {
    id: hash,
    email,
    delivery: isMailed ? 'mail' : 'link',
    ...(clientId !== undefined && { client_id: clientId }),
    created_at: new Date(createdAt).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
  }
}
