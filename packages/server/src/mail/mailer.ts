import { createHmac } from 'node:crypto'
import {
  deriveKey,
  hashCode,
  type Instant,
  type MailKind,
  type MasterKey,
  newMail,
  type OutgoingMail,
  type RandomBytes,
  seal,
  type User,
  unseal,
  type Write,
} from '@countersign/core'

/** What a mail says besides what every mail of its kind does. Sealed until it is sent. */
export interface MailContent {
  /** The address; of a mail that somebody has asked for by an address, the one that they typed. */
  readonly to: string
  /** BCP 47; absent: that of the installation. */
  readonly language?: string
  /** When it happened. */
  readonly time: Instant
  /** On which device, if it is about one. */
  readonly device?: string
  readonly ip?: string
  /** The session that it is about. */
  readonly sessionId?: string
  /** How long its link is good, if that is not the same for all of its kind. */
  readonly until?: Instant
}

/** Writes mails down for the sender, and knows how the links in them are made. */
export interface Mailer {
  /** To a user. A write for the change that makes the mail necessary. */
  toUser(kind: MailKind, user: User, content: MailContent): Write
  /** To whoever has the address, if anybody does: alike in either case, so that nobody learns which it is. */
  toAddress(kind: 'reset_password', content: MailContent): Write
  /** To somebody who has no account yet, with the secret that its link will hold. */
  toInvited(content: MailContent): { readonly write: Write; readonly secret: string }
  /** What a mail says; `undefined`: it was written under another master key. */
  open(mail: OutgoingMail): MailContent | undefined
  /** The token of the link in a mail: derived, so that it is stored nowhere, and the same at each attempt. */
  tokenOf(mail: OutgoingMail): string
}

const idBytes = 16

export function createMailer({ master, random }: { master: MasterKey; random: RandomBytes }): Mailer {
  const sealKey = deriveKey(master, 'mail 1')
  const linkKey = deriveKey(master, 'mail link 1')
  const rowOf = (kind: MailKind, userId: string | null, content: MailContent): OutgoingMail => {
    const hash = hashCode(random(idBytes).toString('base64url'))
    const sealed = seal(sealKey, `mail ${hash}`, JSON.stringify(content), random)
    return newMail({ hash, kind, userId, sealed, now: content.time })
  }
  const write = (...of: Parameters<typeof rowOf>): Write => ({ table: 'mail', row: rowOf(...of) })
  const tokenOf = ({ hash, kind }: OutgoingMail): string =>
    createHmac('sha256', linkKey).update(`${kind} ${hash}`).digest('base64url')
  return {
    toUser: (kind, { id }, content) => write(kind, id, content),
    toAddress: (kind, content) => write(kind, null, content),
    toInvited(content) {
      const row = rowOf('invitation', null, content)
      return { write: { table: 'mail', row }, secret: tokenOf(row) }
    },
    open({ hash, sealed }) {
      const opened = unseal(sealKey, `mail ${hash}`, sealed)
      return opened && (JSON.parse(opened.toString('utf8')) as MailContent)
    },
    tokenOf,
  }
}
