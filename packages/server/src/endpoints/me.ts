import { standardClaimsOf, waysIn } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import { json, refusalAnswer } from '../http/answers.ts'
import type { Endpoint } from '../http/message.ts'
import { canUsePassword } from '../passwords/use-of-passwords.ts'
import type { Services } from '../services.ts'
import { loginOf } from './login-of.ts'

/** `GET /v1/me`: who the token stands for, with all that is known of them now; what an operator keeps of them as `attributes` is for APIs alone. */
export function me(services: Services): Endpoint {
  return async http => {
    const caller = await loginOf(services, http)
    if (isRefusal(caller)) return refusalAnswer(caller)
    const { user, session } = caller
    const { roles, groups, permissions } = user.rights
    const identities = await services.store.listIdentities(user.id)
    return json(200, {
      ...standardClaimsOf(user),
      id: user.id,
      email: user.email,
      email_verified: user.emailVerifiedAt !== null,
      name: user.name,
      roles,
      groups,
      permissions,
      ways_in: waysIn(canUsePassword(services.config, user), identities),
      created_at: new Date(user.createdAt).toISOString(),
      updated_at: new Date(user.profile.updatedAt ?? user.createdAt).toISOString(),
      session_id: session.id,
    })
  }
}
