import { isRefusal } from '@countersign/protocol'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import type { Services } from '../services.ts'
import { loginOf } from './sessions.ts'

/** `GET /v1/me`: who the token stands for. */
export function me(services: Services): Endpoint {
  return async http => {
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const { user, session } = caller
    return json(200, {
      id: user.id,
      email: user.email,
      name: user.name,
      created_at: new Date(user.createdAt).toISOString(),
      session_id: session.id,
    })
  }
}
