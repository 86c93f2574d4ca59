import type { Html } from '../pages/html.ts'

/** A message for the person at the screen. */
export interface Message {
  readonly title: string
  readonly advice: string
}

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

/** Every text of the mails, and of the pages that their links lead to. A translation is one value of this type. */
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
  readonly forgot: {
    readonly title: string
    readonly lead: string
    readonly submit: string
    readonly link: string
    readonly back: string
    /** Whether there is such an account or not. */
    readonly sent: Message
  }
  readonly reset: {
    readonly title: string
    readonly lead: (address: Html) => Html
    readonly ends: string
    readonly submit: string
    readonly done: Message
    readonly signIn: string
  }
  readonly verify: {
    readonly title: string
    readonly lead: (address: Html) => Html
    readonly password: string
    readonly submit: string
    readonly notMine: string
    readonly notMineLink: string
    readonly done: Message
    readonly toAccount: string
    /** On the account page. */
    readonly unverified: (address: Html) => Html
    readonly again: string
    readonly sent: string
  }
  readonly notMe: {
    readonly title: string
    readonly lead: string
    readonly ends: string
    readonly device: string
    readonly time: string
    readonly address: string
    readonly submit: string
    readonly itWasMe: string
    /** Above the form for a new password. */
    readonly ended: string
  }
  readonly linkOver: Message & { readonly again: string }
}
