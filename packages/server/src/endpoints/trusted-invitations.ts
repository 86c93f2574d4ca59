import { invitationSeconds } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import * as z from 'zod'
import { authorizeCaller } from '../clients/authorize-caller.ts'
import { json, noContent, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { readJson } from '../http/read-json.ts'
import { invite, listInvitations, withdraw } from '../invitations/invite.ts'
import type { Services } from '../services.ts'

/** The right that a back end needs. It gives no rights with an invitation: whoever may invite could make themselves an administrator. */
const right = 'users:invite'

const body = z.strictObject({
  email: z.string().max(254),
  delivery: z.enum(['mail', 'link']).default('mail'),
  expires_in: z.int().min(invitationSeconds.atLeast).max(invitationSeconds.atMost).optional(),
  language: z.string().min(2).max(35).optional(),
  client_id: z.string().min(1).max(2000).optional(),
})

/** `POST /v1/trusted/invitations`: invites an address, in the place of an earlier invitation. */
export function makeInvitation(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const wanted = readJson(http, body)
    if (isRefusal(wanted)) return refusalAnswer(wanted)
    const { email, delivery, expires_in: lifeSeconds, language, client_id: clientId } = wanted
    const inviter = { by: 'client' as const, clientId: caller.clientId }
    const made = await invite(services, { email, delivery, lifeSeconds, language, clientId }, inviter)
    return isRefusal(made) ? refusalAnswer(made) : json(201, made)
  }
}

/** `GET /v1/trusted/invitations`: those that can be accepted. */
export function listTrustedInvitations(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    return json(200, { invitations: await listInvitations(services) })
  }
}

/** `DELETE /v1/trusted/invitations/{id}`. */
export function withdrawInvitation(services: Services): Endpoint {
  return async http => {
    const caller = await authorizeCaller(services, http, right)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const inviter = { by: 'client' as const, clientId: caller.clientId }
    const outcome = await withdraw(services, http.params.invitation ?? '', inviter)
    return isRefusal(outcome) ? refusalAnswer(outcome) : noContent()
  }
}
