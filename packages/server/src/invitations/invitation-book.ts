import { createHmac } from 'node:crypto'
import {
  deriveKey,
  type Instant,
  type Invitation,
  type InvitationContent,
  invitationStands,
  type MasterKey,
  type RandomBytes,
  seal,
  unseal,
} from '@countersign/core'

/** What invitations are called and say, under keys of the server's own. */
export interface InvitationBook {
  /** The name of the one for an address (`emailKey`): keyed, so that nobody who has the store can try addresses. */
  nameOf(emailKey: string): string
  /** Half of a link's token, where no mail has one. */
  newSecret(): string
  seal(name: string, content: InvitationContent): string
  /** `undefined`: it does not stand, or was made under another master key. */
  open(invitation: Invitation | undefined, now: Instant): InvitationContent | undefined
}

const secretBytes = 32

export function createInvitationBook({ master, random }: { master: MasterKey; random: RandomBytes }): InvitationBook {
  const nameKey = deriveKey(master, 'invitation name 1')
  const sealKey = deriveKey(master, 'invitation 1')
  return {
    nameOf: emailKey => createHmac('sha256', nameKey).update(emailKey).digest('base64url'),
    newSecret: () => random(secretBytes).toString('base64url'),
    seal: (name, content) => seal(sealKey, `invitation ${name}`, JSON.stringify(content), random),
    open(invitation, now) {
      if (!invitationStands(invitation, now)) return undefined
      const opened = unseal(sealKey, `invitation ${invitation.hash}`, invitation.sealed)
      return opened && (JSON.parse(opened.toString('utf8')) as InvitationContent)
    },
  }
}
