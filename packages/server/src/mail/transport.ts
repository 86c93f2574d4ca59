/** A mail as it goes out. Addresses are plain addr-specs, checked before; nothing in it is believed to be free of line ends but what the transport encodes. */
export interface MailMessage {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** The same for each attempt, so that mailboxes show a mail once that was handed over twice. Without angle brackets. */
  readonly messageId: string
  /** BCP 47. */
  readonly language: string
}

/** What became of an attempt. */
export type MailOutcome =
  | { readonly sent: true }
  /** `permanent`: the receiving side will say the same tomorrow. `said`: for the operator; holds no address and nothing of the mail. */
  | { readonly sent: false; readonly permanent: boolean; readonly said: string }

/** Hands mails over. Never throws. */
export interface MailTransport {
  send(message: MailMessage): Promise<MailOutcome>
  close(): void
}
