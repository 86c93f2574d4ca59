import { type Reason, reasonHeader } from '@countersign/protocol'
import type { Endpoint, HttpRequest } from '../http/message.ts'
import { readParameters } from '../http/read-form.ts'
import type { Services } from '../services.ts'
import { readClientCredentials } from './read-client-credentials.ts'

/** What is wrong with the client, and not with what it presents for a user. */
const reasonsToTell: ReadonlySet<unknown> = new Set<Reason>(['client_authentication_failed', 'client_not_allowed'])
const tellings = { kind: 'refused clients told', attempts: 1, windowSeconds: 60 }

/**
 * Logs, at `warn`, that a client was refused: a wrong secret or a missing scope turns off what an API hoped for, and the API may never say
 * so. Once a minute for each client, endpoint and reason. Names the client only if there is one of that name: what a stranger sends is
 * not written into the log, and a secret never is.
 */
export function tellRefusedClients(services: Services, path: string, endpoint: Endpoint): Endpoint {
  return async request => {
    const answer = await endpoint(request)
    const reason = answer.headers[reasonHeader]
    if (reasonsToTell.has(reason)) await tell(services, request, `${request.method} ${path}`, reason)
    return answer
  }
}

async function tell(services: Services, request: HttpRequest, where: string, reason: unknown): Promise<void> {
  const { clients, counters, log } = services
  const named = clientNamedIn(request)
  // With the store away nobody is known; the answer is there already.
  const isKnown = named !== undefined && (await clients.knows(named).catch(() => false))
  const client = isKnown ? named : undefined
  const { allowed } = await counters.take(tellings, `${where}:${reason}:${client ?? ''}`)
  if (allowed) log.warn({ client, endpoint: where, reason }, 'client refused')
}

function clientNamedIn(request: HttpRequest): string | undefined {
  const form = readParameters(request.body)
  const presented = readClientCredentials(request, form instanceof Map ? form : new Map())
  return 'refused' in presented ? undefined : presented.id
}
