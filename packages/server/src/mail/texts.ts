/** One kind of mail. Paragraphs above the button and below it. */
export interface MailText {
  readonly subject: (site: string) => string
  readonly before: readonly ((facts: MailFacts) => string)[]
  /** The label of the link. */
  readonly link?: string
  readonly after: readonly ((facts: MailFacts) => string)[]
}

/** What a sentence can name. */
export interface MailFacts {
  /** The name of the installation. */
  readonly site: string
  readonly address: string
  /** In words, with the zone. */
  readonly time: string
  readonly device: string
  readonly ip: string
}

/** Every text of the mails. A translation is one value of this type. */
export interface MailTexts {
  /** BCP 47. */
  readonly language: string
  readonly direction: 'ltr' | 'rtl'
  readonly mails: {
    readonly verify_address: MailText
    readonly reset_password: MailText
    readonly new_device: MailText
    readonly token_reused: MailText
    readonly password_changed: MailText
    /** For a link that cannot be pressed. */
    readonly linkAsText: string
    /** Below every mail. */
    readonly foot: (facts: MailFacts) => string
    readonly unknown: string
  }
}
