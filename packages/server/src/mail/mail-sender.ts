import {
  addressHash,
  beginMailAttempt,
  emailKey,
  finishMail,
  hashCode,
  type Instant,
  isLastAttempt,
  linkIsSpent,
  type MailKind,
  type MailLinkPurpose,
  mayUse,
  newMailLink,
  type OutgoingMail,
  retryMail,
  type Snapshot,
  type User,
  type Write,
} from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import type { Limit } from '@countersign/store'
import type { Every } from '../every.ts'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { findInvitation, invitationUrl } from '../invitations/invitation-link.ts'
import { createLookout } from '../jobs/lookout.ts'
import { chooseLanguage } from '../pages/language/choose-language.ts'
import type { Language } from '../pages/language/language.ts'
import type { Services } from '../services.ts'
import { composeMail, type MailLooks, type MailWanted } from './compose-mail.ts'
import { linkUrl } from './links.ts'
import type { MailContent, Mailer } from './mailer.ts'
import { mailTimeoutMs } from './smtp-transport.ts'
import type { MailMessage, MailTransport } from './transport.ts'

/**
 * Sends what was written down, beside all requests: it wakes when this node has committed a mail, and now and then for what other nodes left and what has to be
 * tried again.
 */
export interface MailSender {
  /** Something may have been written. */
  wake(): void
  /** Looks now, and resolves when everything that is due has been tried. */
  look(): Promise<void>
  /** No new look; resolves when what was begun is over. */
  stop(): Promise<void>
}

export interface MailSenderOptions {
  readonly services: Pick<Services, 'store' | 'log' | 'config' | 'counters' | 'invitations'> &
    Pick<HostedServices, 'languages'>
  readonly mailer: Mailer
  readonly transport: MailTransport
  readonly looks: MailLooks
  readonly every: Every
}

const lookEveryMs = 2_000
/** As many as are in flight at a time: the rest waits in the store. */
const rowsAtATime = 10

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

export function createMailSender(options: MailSenderOptions): MailSender {
  const { services, transport, every } = options
  const { store, log } = services

  /** False: none is due any more. */
  async function sendSome(): Promise<boolean> {
    const { rows } = await store.listDue('mail', rowsAtATime)
    if (lookout.hasStopped()) return false
    await Promise.all(rows.map(row => attempt(options, row)))
    return rows.length > 0
  }

  const lookout = createLookout({
    every,
    everyMs: lookEveryMs,
    async work() {
      while (await sendSome());
    },
    onFailure(error) {
      log.warn({ failure: error instanceof Error ? error.name : 'unknown' }, 'mails could not be looked up')
    },
  })
  return {
    wake: () => void lookout.look(),
    look: lookout.look,
    async stop() {
      await lookout.stop()
      transport.close()
    },
  }
}

/** Begin → write it down, with its link → send → write down what came of it. */
async function attempt(options: MailSenderOptions, row: OutgoingMail): Promise<void> {
  const { services, transport } = options
  const { log } = services
  const prepared = await prepare(options, row)
  if (prepared === undefined) return finish(services, row)
  const { now } = prepared
  const begun = await write(services, beginMailAttempt(row, now, mailTimeoutMs), { now, link: prepared.link })
  // Another node was first.
  if (begun === undefined) return
  if (row.attempts === 0 && !(await mayHaveMore(services, prepared.recipient, row.kind))) {
    log.warn({ kind: row.kind, user: row.userId }, 'a mail was not sent: its address has had enough of them')
    return finish(services, begun)
  }
  const outcome = await transport.send(prepared.message)
  if (!outcome.sent) {
    const isOver = outcome.permanent || isLastAttempt(begun)
    const facts = { kind: row.kind, user: row.userId, outcome: outcome.said, attempts: begun.attempts }
    log.warn(facts, isOver ? 'a mail was not sent' : 'a mail could not be sent yet')
    if (!isOver) return retry(services, begun)
  }
  await finish(services, begun)
}

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

async function mayHaveMore(
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

/** `user` is absent for who was invited. */
interface Recipient {
  readonly user?: User
  readonly to: string
}

interface Prepared {
  readonly message: MailMessage
  readonly link: readonly Write[]
  readonly now: Instant
  readonly recipient: Recipient
}

/** The mail in words, and the link in it; `undefined`: nobody is to get it (any more). */
async function prepare(options: MailSenderOptions, row: OutgoingMail): Promise<Prepared | undefined> {
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
  options: MailSenderOptions,
  row: OutgoingMail,
  content: MailContent,
): Promise<Prepared | undefined> {
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

function compose({ services, looks }: MailSenderOptions, { kind, hash }: OutgoingMail, mail: MailWanted): MailMessage {
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

async function retry(services: Pick<Services, 'store'>, row: OutgoingMail): Promise<void> {
  const { now } = await services.store.loadIssuer()
  await write(services, retryMail(row, now), { now, link: [] })
}

async function finish(services: Pick<Services, 'store'>, row: OutgoingMail): Promise<void> {
  const { now } = await services.store.loadIssuer()
  await write(services, finishMail(row, now), { now, link: [] })
}

/** The row as it is then; `undefined` if another node has changed it. */
async function write(
  { store }: Pick<Services, 'store'>,
  row: OutgoingMail,
  { now, link }: { readonly now: Instant; readonly link: readonly Write[] },
): Promise<OutgoingMail | undefined> {
  const writes: Write[] = [{ table: 'mail', row }, ...link]
  const outcome = await store.commit({ writes, audit: [], entries: [], durable: true, time: now })
  return outcome === 'committed' ? { ...row, version: row.version + 1 } : undefined
}
