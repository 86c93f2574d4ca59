import { once } from 'node:events'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** A mail as it arrived. */
export interface ReceivedMail {
  /** Of the envelope. */
  readonly from: string
  readonly to: readonly string[]
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly html: string
  /** Whether it came over TLS, and who had signed in. */
  readonly secure: boolean
  readonly user: string | undefined
  /** As it crossed the wire. */
  readonly raw: string
}

/** A mail server, on a real socket. */
export interface MailServer {
  readonly port: number
  readonly url: string
  readonly mails: readonly ReceivedMail[]
  /** How often a mail was offered to it. */
  readonly offered: number
  /** What it says to recipients from now on; 250: welcome. */
  answersRecipients(code: number): void
  /** It takes the text of a mail and says this; 250: it is taken. */
  answersMails(code: number): void
  /** From now on the line is cut when the text of a mail has come. */
  cuts(): void
  /** From now on it does not answer recipients at all. */
  hangs(): void
  /** The last mail to an address; with `path`, the last that leads there. */
  lastTo(address: string, path?: string): ReceivedMail
  close(): Promise<void>
}

export async function mailServer(options: SMTPServerOptions & { port?: number } = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  let [recipientCode, mailCode, isCutting, isHanging, offered] = [250, 250, false, false, 0]
  const said = (code: number) => Object.assign(new Error('as told'), { responseCode: code })
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onRcptTo(_address, _session, callback) {
      offered++
      if (!isHanging) callback(recipientCode === 250 ? null : said(recipientCode))
    },
    onData(stream, session, callback) {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        if (isCutting) {
          for (const one of server.connections) one._socket?.destroy()
          return
        }
        if (mailCode !== 250) return callback(said(mailCode))
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          ...parsed(Buffer.concat(parts).toString('utf8')),
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          secure: session.secure,
          user: session.user === undefined ? undefined : String(session.user),
        })
        callback(null)
      })
    },
    ...options,
  })
  server.on('error', () => {})
  const listening = server.listen(options.port ?? 0, '127.0.0.1')
  await once(listening, 'listening')
  const address = listening.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    port,
    url: `smtp://127.0.0.1:${port}`,
    mails,
    get offered() {
      return offered
    },
    answersRecipients(code) {
      recipientCode = code
      isHanging = false
    },
    answersMails(code) {
      mailCode = code
      isCutting = false
    },
    cuts() {
      isCutting = true
    },
    hangs() {
      isHanging = true
    },
    lastTo(recipient, path = '') {
      const mail = mails.findLast(({ to, text }) => to.includes(recipient) && text.includes(path))
      if (mail === undefined) throw new Error(`no mail to ${recipient}`)
      return mail
    },
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** The address that a mail leads to, as a path. */
export function linkIn({ text }: ReceivedMail): string {
  const url = /https?:\/\/\S+/.exec(text)?.[0]
  if (url === undefined) throw new Error('no link in the mail')
  const { pathname, search } = new URL(url)
  return `${pathname}${search}`
}

/** What our own mails are made of (RFC 2045): one level of parts, quoted-printable or as they are. */
function parsed(raw: string): Pick<ReceivedMail, 'headers' | 'text' | 'html' | 'raw'> {
  const [head, body] = split(raw)
  const headers = headersOf(head)
  const boundary = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '')?.[1] ?? ''
  const part = (type: string): string => {
    for (const piece of body.split(`--${boundary}`)) {
      const [ownHead, content] = split(piece.trimStart())
      const own = headersOf(ownHead)
      if (!own['content-type']?.startsWith(type)) continue
      const encoding = own['content-transfer-encoding']
      if (encoding === 'base64') return Buffer.from(content, 'base64').toString('utf8')
      return encoding === 'quoted-printable' ? unquoted(content) : content
    }
    return ''
  }
  return { headers, text: part('text/plain'), html: part('text/html'), raw }
}

function split(text: string): [string, string] {
  const cut = text.indexOf('\r\n\r\n')
  return cut < 0 ? [text, ''] : [text.slice(0, cut), text.slice(cut + 4)]
}

function headersOf(head: string): Record<string, string> {
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  return Object.fromEntries(
    lines.map(line => {
      const cut = line.indexOf(':')
      return [line.slice(0, cut).toLowerCase(), line.slice(cut + 1).trim()]
    }),
  )
}

function unquoted(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/((?:=[0-9A-F]{2})+)/g, run => Buffer.from(run.replaceAll('=', ''), 'hex').toString('utf8'))
  return bytes.replaceAll('\r\n', '\n')
}
