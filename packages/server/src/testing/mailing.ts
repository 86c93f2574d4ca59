import { afterAll, afterEach, beforeAll } from 'vitest'
import { openSmtp } from '../mail/smtp-transport.ts'
import { closeGiven, type GivenOptions, type GivenServer, given } from './given.ts'
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

type MailingOptions = GivenOptions & {
  post?: MailServer
  /** Short where the mail server is to be silent; else a busy machine would make an attempt fail whose mail arrives all the same, in the middle of the next test. */
  stepTimeoutMs?: number
}

export async function mailingServer(more: MailingOptions = {}): Promise<MailingServer> {
  const post = more.post ?? (await mailServer())
  const mail = await openSmtp({
    url: post.url,
    from: { name: 'Sample', address: 'no-reply@login.example' },
    ...(more.stepTimeoutMs !== undefined && { stepTimeoutMs: more.stepTimeoutMs }),
  })
  const to = await given.server({ every: never, ...more, mail })
  return {
    to,
    post,
    sendMails: async () => to.server.mails?.look(),
    close: () => post.close(),
  }
}

/** For a file of tests: one mail server for all of them, and servers that send to it, which are closed after each test. `usual`: what all of these have. */
export function mailingTests(usual: GivenOptions = {}): {
  readonly post: MailServer
  server(more?: GivenOptions): Promise<MailingServer>
} {
  let post: MailServer
  beforeAll(async () => {
    post = await mailServer()
  })
  afterAll(() => post.close())
  afterEach(closeGiven)
  return {
    get post() {
      return post
    },
    server: more => mailingServer({ post, ...usual, ...more }),
  }
}
