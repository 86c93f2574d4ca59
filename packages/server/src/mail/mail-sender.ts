import {
  beginMailAttempt,
  finishMail,
  type Instant,
  isLastAttempt,
  type OutgoingMail,
  retryMail,
  type Write,
} from '@countersign/core'
import type { Every } from '../every.ts'
import { createLookout } from '../jobs/lookout.ts'
import type { Services } from '../services.ts'
import { mayHaveMore } from './mail-limits.ts'
import { type MailPreparation, prepareMail } from './prepare-mail.ts'
import { mailTimeoutMs } from './smtp-transport.ts'
import type { MailTransport } from './transport.ts'

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

export interface MailSenderOptions extends MailPreparation {
  readonly services: MailPreparation['services'] & Pick<Services, 'log' | 'counters'>
  readonly transport: MailTransport
  readonly every: Every
}

const lookEveryMs = 2_000
/** As many as are in flight at a time: the rest waits in the store. */
const rowsAtATime = 10

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
  const prepared = await prepareMail(options, row)
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
