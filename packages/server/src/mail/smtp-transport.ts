import { isLoopback } from '../http/client-address.ts'
import type { MailMessage, MailOutcome, MailTransport } from './transport.ts'

export interface SmtpOptions {
  /** `smtp://user:password@host:587` (STARTTLS, without which nothing is sent unless the host is this machine) or `smtps://…:465`. */
  readonly url: string
  /** `Name <address>` or an address. */
  readonly from: MailFrom
  /** For certificates that no public authority has signed; PEM. */
  readonly ca?: string
  /** Whether mails wait until there is TLS. Default: unless the host is this machine. */
  readonly needsTls?: boolean
  /** For one step of the conversation, milliseconds; of the whole, `mailTimeoutMs`. */
  readonly stepTimeoutMs?: number
}

/** Who mails are from. */
export interface MailFrom {
  readonly name: string
  readonly address: string
}

/** An attempt that takes longer has come to nothing. */
export const mailTimeoutMs = 60_000
const stepTimeoutMs = 15_000
/** A mail server is seldom glad of more. */
const connectionsAtMost = 3

/** Sends by SMTP (RFC 5321), over TLS (RFC 3207, RFC 8314), through `nodemailer`, which is loaded here and by nothing else. */
export async function openSmtp(options: SmtpOptions): Promise<MailTransport> {
  const { createTransport } = await import('nodemailer')
  const { from } = options
  const transporter = createTransport({
    ...connectionOf(options),
    pool: true,
    maxConnections: connectionsAtMost,
    // A mail holds nothing but what we have written: no file and no address is ever read for it.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send(message) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<MailOutcome>(resolve => {
        timer = setTimeout(() => resolve({ sent: false, permanent: false, said: 'no answer in time' }), mailTimeoutMs)
        timer.unref()
      })
      const sending = transporter.sendMail(mailOf(message, from)).then(
        (): MailOutcome => ({ sent: true }),
        (error: unknown) => outcomeOf(error),
      )
      return Promise.race([sending, late]).finally(() => clearTimeout(timer))
    },
    close: () => transporter.close(),
  }
}

function connectionOf({ url, ca, needsTls, stepTimeoutMs: step = stepTimeoutMs }: SmtpOptions) {
  const { protocol, hostname, port, username, password } = new URL(url)
  const secure = protocol === 'smtps:'
  const host = hostname.replace(/^\[|\]$/g, '')
  return {
    host,
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    // Passwords and links do not cross a network in the clear.
    requireTLS: !secure && (needsTls ?? !(isLoopback(host) || host === 'localhost')),
    tls: { minVersion: 'TLSv1.2' as const, ...(ca !== undefined && { ca }) },
    ...(username !== '' && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    connectionTimeout: step,
    greetingTimeout: step,
    socketTimeout: step,
    dnsTimeout: step,
  }
}

function mailOf({ to, subject, text, html, messageId, language }: MailMessage, from: MailFrom) {
  return {
    from,
    // As an object: a string would be parsed, and could be read as several (CVE-2025-13033).
    to: { name: '', address: to },
    envelope: { from: from.address, to: [to] },
    subject,
    text,
    html,
    messageId: `<${messageId}>`,
    headers: {
      // No out-of-office answers, please (RFC 3834 §5).
      'Auto-Submitted': 'auto-generated',
      'Content-Language': language,
    },
  }
}

/** What nodemailer tells of a failure, without the server's own words: those may quote an address. */
function outcomeOf(error: unknown): MailOutcome {
  const { code, responseCode, command } = error as { code?: unknown; responseCode?: unknown; command?: unknown }
  const status = typeof responseCode === 'number' ? responseCode : undefined
  const said = [code, status, command].filter(part => /^[\w .-]{1,40}$/.test(String(part ?? ''))).join(' ')
  // That the server does not want us (530, 535, a sender that it refuses) is for the operator to mend; what it says of this mail, or of whom it is for, stands.
  const isOfThisMail = command === 'RCPT TO' || command === 'DATA'
  const isRefused = isOfThisMail && status !== undefined && status >= 500
  const isNoMail = command === 'API' && (code === 'EENVELOPE' || code === 'EMESSAGE')
  return { sent: false, permanent: isRefused || isNoMail, said: said || 'failed' }
}
