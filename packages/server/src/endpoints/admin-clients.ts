import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import * as z from 'zod'
import { type Actor, createClientAdmin } from '../admin/client-admin.ts'
import type { ClientView } from '../admin/client-view.ts'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { authorizeClientOwner, managing } from '../clients/authorize-client-owner.ts'
import { clientSettings, newClient } from '../clients/written-client.ts'
import { json, noContent, refusalAnswer } from '../http/answers.ts'
import type { Endpoint, HttpAnswer, HttpRequest } from '../http/message.ts'
import { readParameters } from '../http/read-form.ts'
import { readJson } from '../http/read-json.ts'
import type { Services } from '../services.ts'

/*
 * Clients, managed over HTTP by a back end with the right `clients:manage`; and what each client's owner may do with it. The settings are those of the
 * configuration file.
 */

const clientsAPage = 100

/** `GET /v1/admin/clients`: a page, in the order of the ids; `after` is the last id of the page before. */
export function listClients(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, managing)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const query = readParameters(http.query)
    if (isRefusal(query)) return refusalAnswer(query)
    const clients = await createClientAdmin(services).list({ after: query.get('after') ?? '', limit: clientsAPage })
    return json(200, { clients })
  }
}

/** `POST /v1/admin/clients`. */
export function addClient(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, managing)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const settings = readJson(http, newClient)
    if (isRefusal(settings)) return refusalAnswer(settings)
    return answer(await createClientAdmin(services).add(settings, 'manager'), 201)
  }
}

/** `GET /v1/admin/clients/{client}`. */
export function showClient(services: Services): Endpoint {
  return async http => {
    const by = await authorizeClientOwner(services, http, idOf(http))
    return isRefusal(by) ? refusalAnswer(by) : answer(await createClientAdmin(services).show(idOf(http)))
  }
}

/** `PUT /v1/admin/clients/{client}`: what is not named stays. */
export function setClient(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, managing)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const settings = readJson(http, clientSettings)
    if (isRefusal(settings)) return refusalAnswer(settings)
    return answer(await createClientAdmin(services).set(idOf(http), settings, 'manager'))
  }
}

/** `DELETE /v1/admin/clients/{client}`. */
export function removeClient(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, managing)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const outcome = await createClientAdmin(services).remove(idOf(http), 'manager')
    return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
  }
}

const longestSeconds = 315_360_000
const lives = z.strictObject({
  expires_in: z.int().min(1).max(longestSeconds).optional(),
  old_expires_in: z.int().min(0).max(longestSeconds).optional(),
})

/** `POST /v1/admin/clients/{client}/secrets`: one more, shown this once. At most two are good at a time. */
export function addSecret(services: Services): Endpoint {
  return byOwner(
    services,
    async (http, by) => {
      const wanted = http.body === '' ? {} : readJson(http, lives)
      return isRefusal(wanted) ? wanted : createClientAdmin(services).rotateSecret(idOf(http), wanted, by)
    },
    201,
  )
}

/** `DELETE /v1/admin/clients/{client}/secrets/{secret}`: the old one, once the new one is in place everywhere. */
export function retireSecret(services: Services): Endpoint {
  return byOwner(services, (http, by) =>
    createClientAdmin(services).retireSecret(idOf(http), http.params.secret ?? '', by),
  )
}

/** `POST /v1/admin/clients/{client}/revoke`: every token of it is dead, everywhere within the bound. */
export function revokeClient(services: Services): Endpoint {
  return byOwner(services, (http, by) => createClientAdmin(services).revoke(idOf(http), by))
}

function byOwner(
  services: Services,
  act: (http: HttpRequest, by: Actor) => Promise<ClientView | Refusal>,
  status: 200 | 201 = 200,
): Endpoint {
  return async http => {
    const by = await authorizeClientOwner(services, http, idOf(http))
    if (isRefusal(by)) return refusalAnswer(by)
    const limited = await limitOwner(services, idOf(http), by)
    return limited === undefined ? answer(await act(http, by), status) : refusalAnswer(limited)
  }
}

const actsOfOwners = { kind: 'acts of owners of clients', attempts: 20, windowSeconds: 3600 }

/** Each is an entry that every API holds, or a row of the audit log: one client must not be able to fill either. */
async function limitOwner({ counters }: Services, clientId: string, by: Actor): Promise<Refusal | undefined> {
  if (by === 'manager') return undefined
  const { allowed, retryAfterSeconds } = await counters.take(actsOfOwners, clientId)
  return allowed ? undefined : refuse('too_many_attempts', { retryAfterSeconds })
}

function idOf(http: HttpRequest): string {
  return http.params.client ?? ''
}

function answer(outcome: ClientView | Refusal, status: 200 | 201 = 200): HttpAnswer {
  return isRefusal(outcome) ? refusalAnswer(outcome) : json(status, outcome)
}
