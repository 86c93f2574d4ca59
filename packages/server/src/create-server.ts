import type { FastifyInstance } from 'fastify'
import type { Admin } from './admin/admin.ts'
import { createNode, type NodeOptions } from './create-node.ts'
import { type Every, everyInterval } from './every.ts'
import type { HostedServices } from './hosted/hosted-services.ts'
import { pageOfNotFound } from './hosted/page-answers.ts'
import { createHttpServer } from './http/fastify-server.ts'
import { watchSilentConnections } from './http/silent-connections.ts'
import type { LogoutTeller } from './logout/logout-teller.ts'
import type { MailSender } from './mail/mail-sender.ts'
import { refuseWithoutWayIn } from './passwords/use-of-passwords.ts'

export type ServerOptions = NodeOptions

/** One node: an HTTP server over a store. */
export interface CountersignServer {
  readonly http: FastifyInstance
  readonly admin: Admin
  readonly services: HostedServices
  readonly logouts: LogoutTeller
  /** Absent where none can be sent. */
  readonly mails: MailSender | undefined
  /** Clients that this start has switched off, because the configuration does not name them any more. */
  readonly switchedOff: readonly string[]
  /** Starts to listen; resolves with the address. */
  listen(address: { host: string; port: number }): Promise<string>
  /**
   * Answers what was begun, ends the feed's streams, stops the jobs. The store stays open: it is the caller's.
   * `announced`: first `/ready` says for `drainNoticeSeconds` that this node is about to stop, so that nobody sends it anything when it does.
   */
  close(how?: { announced?: boolean }): Promise<void>
}

/** A node with its socket. */
export async function createServer(options: ServerOptions): Promise<CountersignServer> {
  const { config, log, observer, every = everyInterval } = options
  const { services, routes, admin, logouts, mails, switchedOff, stop } = await createNode(options)
  const http = createHttpServer(routes, {
    trustedProxies: config.trustedProxies,
    isClientOrigin: services.clients.isClientOrigin,
    log,
    strictTransport: config.issuer.startsWith('https:'),
    notFoundPage: acceptLanguage => pageOfNotFound(services, acceptLanguage),
    isDraining: services.drain.hasBegun,
    ...(observer && { observer }),
  })
  const letGoOfSilent = watchSilentConnections(http.server)
  return {
    http,
    admin,
    services,
    logouts,
    mails,
    switchedOff,
    async listen(address) {
      refuseWithoutWayIn(config, options.connections)
      return http.listen(address)
    },
    async close({ announced = false } = {}) {
      services.drain.begin()
      if (announced) await noticed(every, (config.drainNoticeSeconds ?? 0) * 1000)
      const stopped = stop()
      // Node checks no time-outs any more once it is closing: without this one slow sender holds up the end for ever.
      const patienceMs = (config.drainSeconds ?? 10) * 1000
      const impatience = setTimeout(() => http.server.closeAllConnections(), patienceMs)
      // Passwords that still wait then are refused while there is time to say so: another node may judge them.
      const refusal = setTimeout(() => void services.passwords.close(), patienceMs / 2)
      letGoOfSilent()
      await http.close()
      clearTimeout(impatience)
      clearTimeout(refusal)
      await stopped
      await services.passwords.close()
    },
  }
}

/** Nothing is awaited if there is no notice to give. */
async function noticed(every: Every, milliseconds: number): Promise<void> {
  if (milliseconds === 0) return
  await new Promise<void>(over => {
    const stop = every(milliseconds, () => {
      stop()
      over()
    })
  })
}
