import { isRefusal, refuse } from '@countersign/protocol'
import * as z from 'zod'
import type { HostedServices } from '../hosted/hosted-services.ts'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { readJson } from '../http/read-json.ts'
import { createUser, limitSignUps } from '../sign-in/create-user.ts'
import { deviceOf } from '../sign-in/device-of.ts'
import { whyNoSignUp } from '../sign-in/who-may-sign-up.ts'

const body = z.strictObject({
  email: z.string().max(254),
  password: z.string().max(1024),
  name: z.string().max(200).optional(),
})

/** `POST /v1/users`: sign-up. */
export function users(services: HostedServices): Endpoint {
  return async http => {
    const wanted = readJson(http, body)
    if (isRefusal(wanted)) return refusalAnswer(wanted)
    const no = whyNoSignUp(services.config.signUp)
    if (no !== undefined) return refusalAnswer(refuse(no))
    const limited = await limitSignUps(services, http.ip)
    if (limited !== undefined) return refusalAnswer(limited)
    const created = await createUser(services, { ...wanted, verifyIn: services.site.language.tag }, deviceOf(http))
    if (isRefusal(created)) return refusalAnswer(created)
    const { id, email, name } = created.user
    return json(201, { id, email, name })
  }
}
