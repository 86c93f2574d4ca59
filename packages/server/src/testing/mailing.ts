import { openSmtp } from '../mail/smtp-transport.ts'
import { type GivenOptions, type GivenServer, given } from './given.ts'
import { type MailServer, mailServer } from './mail-server.ts'

/** A server that sends its mails to a real mail server. */
export interface MailingServer {
  readonly to: GivenServer
  readonly post: MailServer
  /** Sends what is due. */
  sendMails(): Promise<void>
  close(): Promise<void>
}

/** Jobs run when a test says so: nothing looks by itself but what was just committed. */
const never = () => () => {}

export async function mailingServer(more: GivenOptions & { post?: MailServer } = {}): Promise<MailingServer> {
  const post = more.post ?? (await mailServer())
  const mail = await openSmtp({
    url: post.url,
    from: { name: 'Sample', address: 'no-reply@login.example' },
    stepTimeoutMs: 250,
  })
  const to = await given.server({ every: never, ...more, mail })
  return {
    to,
    post,
    sendMails: async () => to.server.mails?.look(),
    close: () => post.close(),
  }
}
